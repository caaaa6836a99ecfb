import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  addon,
  array,
  bits64,
  bytes,
  descriptor,
  i16,
  i32,
  i64,
  i8,
  io,
  IoctlDevice,
  ioctlNumber,
  iowr,
  ior,
  pointer,
  struct,
  u16,
  u32,
  u64,
  u8,
  union,
} from '../src/index.js';

const { abiTable, Mapping, pageSize } = addon();

const range = struct({ start: u64, len: u64 });
const api = struct({ api: u64, features: u64, ioctls: u64 });
const register = struct({ range, mode: u64, ioctls: u64 });
const copy = struct({
  dst: pointer({ unit: 1, count: 'len' }),
  src: pointer({ unit: 1, count: 'len' }),
  len: u64,
  mode: u64,
  copy: i64,
});
const padded = struct({
  a: u8,
  b: u16,
  c: bytes(3),
  d: u32,
  e: u8,
  f: u64,
  g: array(struct({ x: u8, y: i32 }), 2),
  h: i16,
});
const scan = struct({
  size: u64,
  flags: u64,
  start: u64,
  end: u64,
  walk_end: u64,
  vec: pointer({ unit: 24, count: 'vec_len' }),
  vec_len: u64,
  max_pages: u64,
  category_inverted: u64,
  category_mask: u64,
  category_anyof_mask: u64,
  return_mask: u64,
});

const UFFDIO_API = iowr('UFFDIO_API', 0xaa, 0x3f, api);

describe('structs', () => {
  it('are laid out as the compiler lays them out', () => {
    const ours = { Padded: padded, uffdio_api: api, uffdio_register: register, uffdio_copy: copy, pm_scan_arg: scan };
    const { structs } = abiTable();
    const others = Object.keys(structs).filter((name) => !name.startsWith('drm_'));
    expect(others.sort()).toEqual(Object.keys(ours).sort());
    for (const [name, made] of Object.entries(ours)) {
      expect([name, made.size]).toEqual([name, structs[name]!.size]);
      expect(made.offsets).toMatchObject(structs[name]!.fields);
    }
  });

  it('come back as they were written', () => {
    fc.assert(
      fc.property(
        fc.record({
          a: fc.integer({ min: 0, max: 255 }),
          b: fc.integer({ min: 0, max: 65535 }),
          c: fc.uint8Array({ minLength: 3, maxLength: 3 }),
          d: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
          e: fc.integer({ min: 0, max: 255 }),
          f: fc.maxSafeNat(),
          g: fc.array(fc.record({ x: fc.nat(255), y: fc.integer() }), { minLength: 2, maxLength: 2 }),
          h: fc.integer({ min: -32768, max: 32767 }),
        }),
        (value) => {
          expect(padded.decode(padded.encode(value))).toEqual(value);
        },
      ),
    );
  });

  it('refuse what a field cannot hold, and say which', () => {
    expect(() => padded.encode({ b: 65536 })).toThrow(/b: 65536 is not an integer from 0 to 65535/);
    expect(() => struct({ inner: padded }).encode({ inner: { h: -32769 } })).toThrow(/inner: h: -32769/);
    expect(() => padded.encode({ z: 1 } as never)).toThrow(/there is no field z/);
    expect(() => struct({ n: i64 }).encode({ n: 2 ** 53 })).toThrow(RangeError);
    expect(() => struct({ n: u64 }).encode({ n: -1 })).toThrow(RangeError);
    expect(() => struct({ n: i8 }).encode({ n: 1.5 })).toThrow(RangeError);
    expect(() => struct({ n: array(u8, 2) }).encode({ n: [1, 2, 3] })).toThrow(RangeError);
    expect(() => range.decode(new Uint8Array(15))).toThrow(/15 bytes are fewer than the struct's 16/);
    expect(() => struct({ n: u64 }).decode(new Uint8Array(8).fill(255))).toThrow(/bits64/);
    expect(() => struct({ 1: u8 })).toThrow(RangeError);
  });

  it('hold any 64 bits, negative numbers, and unions', () => {
    const all = struct({ bits: bits64, n: i64, either: union({ small: u8, large: u32 }) });
    const made = all.encode({ bits: 2n ** 64n - 1n, n: -5, either: { large: 0x01020304 } });
    expect(all.decode(made)).toEqual({ bits: 2n ** 64n - 1n, n: -5, either: { small: 4, large: 0x01020304 } });
    expectTypeOf(all.decode(made).either.large).toEqualTypeOf<number>();
  });
});

describe('ioctls', () => {
  it('have the numbers that the headers give', () => {
    const ours = {
      UFFDIO_API: UFFDIO_API.declaration.request,
      UFFDIO_REGISTER: iowr('', 0xaa, 0, register).declaration.request,
      UFFDIO_UNREGISTER: ior('', 0xaa, 1, range).declaration.request,
      UFFDIO_COPY: iowr('', 0xaa, 3, copy).declaration.request,
      UFFDIO_MOVE: ioctlNumber('both', 0xaa, 5, 40),
      USERFAULTFD_IOC_NEW: io('', 0xaa, 0).declaration.request,
      PAGEMAP_SCAN: iowr('', 'f', 16, scan).declaration.request,
    };
    expect(abiTable().numbers).toMatchObject(ours);
    expect(() => ioctlNumber('none', 256, 0, 0)).toThrow(RangeError);
    expect(() => ioctlNumber('none', 0, 0, 16384)).toThrow(RangeError);
  });

  it('declare their pointers and descriptors', () => {
    const made = iowr(
      '',
      'd',
      1,
      struct({ n: u32, fd: descriptor('given'), at: pointer({ unit: 8, count: 'n' }), out: descriptor('returned') }),
    );
    expect(made.declaration).toMatchObject({
      pointers: [{ at: 8, unit: 8, countAt: 0, countSize: 4 }],
      descriptors: [4],
      result: 16,
    });
    expect(() => iowr('', 'd', 1, struct({ at: pointer({ unit: 8, count: 'n' }) }))).toThrow(/n is no field/);
    // What the addon would not be told of: nobody would fill it in, or own it.
    const inner = { at: pointer(8), fd: descriptor('given'), out: descriptor('returned') };
    for (const [name, type] of Object.entries(inner))
      expect(() => iowr('', 'd', 1, struct({ inner: struct({ [name]: type }) }))).toThrow(/own struct/);
    expect(() => iowr('', 'd', 1, struct({ a: descriptor('returned'), b: descriptor('returned') }))).toThrow(
      /one desc/,
    );
  });

  it('reach a driver with memory that the addon points to, and nothing else', () => {
    const PAGEMAP_SCAN = iowr('PAGEMAP_SCAN', 'f', 16, scan);
    const pagemap = new IoctlDevice('/proc/self/pagemap', [PAGEMAP_SCAN], 0);
    const mapping = Mapping.reserve(8 * pageSize);
    const array = new Uint8Array(mapping.arrayBuffer(0, mapping.length));
    array[2 * pageSize] = 1;
    const vec = new BigUint64Array(3 * 4);
    const start = mapping.address;
    const request = { size: 96, start, end: start + mapping.length, vec_len: 4, category_mask: 8, return_mask: 8 };
    const { result, value } = pagemap.call(PAGEMAP_SCAN, request, { vec: [vec, 0] });
    expect(result).toBe(1);
    expect([...vec.subarray(0, 3)]).toEqual([BigInt(start + 2 * pageSize), BigInt(start + 3 * pageSize), 8n]);
    expect([value.walk_end, value.vec]).toEqual([start + mapping.length, undefined]);
    // More elements than there is room for, another request, no memory.
    expect(() => pagemap.call(PAGEMAP_SCAN, { ...request, vec_len: 5 }, { vec: [vec, 0] })).toThrow(RangeError);
    expect(() => pagemap.call(PAGEMAP_SCAN, { ...request, vec_len: 2 ** 50 }, { vec: [vec, 0] })).toThrow(RangeError);
    expect(() => pagemap.call(UFFDIO_API)).toThrow(RangeError);
    expect(() => pagemap.call(PAGEMAP_SCAN, { size: 1 })).toThrow(
      expect.objectContaining({ call: 'PAGEMAP_SCAN', errno: 22 }) as Error,
    );
    expect(() => pagemap.call(PAGEMAP_SCAN, request, { start: [vec, 0] })).toThrow(/start is no pointer/);
    pagemap.close();
    expect(() => pagemap.call(PAGEMAP_SCAN, request)).toThrow(expect.objectContaining({ code: 'CLOSED' }) as Error);
  });

  it('run off the event loop, on memory that stays where it is', async () => {
    const PAGEMAP_SCAN = iowr('PAGEMAP_SCAN', 'f', 16, scan);
    const pagemap = new IoctlDevice('/proc/self/pagemap', [PAGEMAP_SCAN], 0);
    const mapping = Mapping.reserve(4 * pageSize);
    const found = Mapping.reserve(pageSize);
    new Uint8Array(mapping.arrayBuffer(0, mapping.length))[pageSize] = 1;
    const start = mapping.address;
    const request = { size: 96, start, end: start + mapping.length, vec_len: 4, category_mask: 8, return_mask: 8 };
    const { result, value } = await pagemap.start(PAGEMAP_SCAN, request, { vec: [found, 0] });
    expect([result, value.walk_end]).toEqual([1, start + mapping.length]);
    expect(new BigUint64Array(found.arrayBuffer(0, 8))[0]).toBe(BigInt(start + pageSize));
    await expect(pagemap.start(PAGEMAP_SCAN, { size: 1 })).rejects.toThrow(
      expect.objectContaining({ call: 'PAGEMAP_SCAN', errno: 22 }) as Error,
    );
    const array = new BigUint64Array(16);
    await expect(pagemap.start(PAGEMAP_SCAN, request, { vec: [array as never, 0] })).rejects.toThrow(/Mappings/);
    // What it uses goes while it is under way: the addresses stay until it has ended.
    const pending = pagemap.start(PAGEMAP_SCAN, request, { vec: [found, 0] });
    found.unmap();
    mapping.unmap();
    pagemap.close();
    expect((await pending).result).toBeGreaterThanOrEqual(0);
    await expect(pagemap.start(PAGEMAP_SCAN, request)).rejects.toThrow(
      expect.objectContaining({ code: 'CLOSED' }) as Error,
    );
  });

  it('poll what they reach', async () => {
    const PTMX = {
      get: ior('TIOCGPTN', 'T', 0x30, struct({ number: u32 })),
      unlock: iowr('x', 'T', 0x31, struct({ on: i32 })),
    };
    const ptmx = new IoctlDevice('/dev/ptmx', [PTMX.get, PTMX.unlock]);
    expect(ptmx.call(PTMX.get).value.number).toBeGreaterThanOrEqual(0);
    expect(await ptmx.descriptor.poll(4, 1000)).toBe(4);
    expect(await ptmx.descriptor.poll(1, 10)).toBe(0);
    expect([ptmx.descriptor.look(4), ptmx.descriptor.look(1), ptmx.descriptor.look(5)]).toEqual([4, 0, 4]);
    expect(() => ptmx.descriptor.look(-1)).toThrow(RangeError);
    ptmx.close();
    expect(() => ptmx.descriptor.look(1)).toThrow(expect.objectContaining({ code: 'CLOSED' }) as Error);
  });

  it('are closed off the event loop, too', async () => {
    const get = ior('TIOCGPTN', 'T', 0x30, struct({ number: u32 }));
    const ptmx = new IoctlDevice('/dev/ptmx', [get]);
    const going = ptmx.start(get);
    const closing = ptmx.closeAsync();
    expect(ptmx.descriptor.closed).toBe(true);
    expect(() => ptmx.call(get)).toThrow(expect.objectContaining({ code: 'CLOSED' }) as Error);
    await closing;
    await ptmx.closeAsync();
    // What was asked before is answered.
    expect((await going).value.number).toBeGreaterThanOrEqual(0);
  });
});
