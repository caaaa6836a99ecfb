import { describe, expect, it } from 'vitest';
import { addon, Advice } from '../src/index.js';

const { Descriptor, Mapping, Memfd, pageSize } = addon();
const error = (code: string) => expect.objectContaining({ code }) as Error;

describe('Mapping', () => {
  it('reserves terabytes that read as zeros and commit nothing', () => {
    const mapping = Mapping.reserve(2 ** 42);
    const last = new Uint8Array(mapping.arrayBuffer(2 ** 42 - 2 ** 32, 2 ** 32));
    expect(last.length).toBe(2 ** 32);
    expect(last[2 ** 32 - 1]).toBe(0);
    last[2 ** 32 - 1] = 7;
    expect(new Uint8Array(mapping.sharedArrayBuffer(2 ** 42 - pageSize, pageSize))[pageSize - 1]).toBe(7);
    mapping.unmap();
  });

  it('shows one part of a file at several addresses', () => {
    const file = Memfd.create(16 * pageSize);
    const one = Mapping.map(file, 4 * pageSize, 2 * pageSize);
    const other = Mapping.map(file, 0, 16 * pageSize);
    new Uint8Array(one.arrayBuffer(0, one.length))[3] = 42;
    expect(new Uint8Array(other.sharedArrayBuffer(0, other.length))[4 * pageSize + 3]).toBe(42);
    expect(file.committed).toBe(pageSize);
    file.punch(4 * pageSize, pageSize);
    expect(new Uint8Array(one.arrayBuffer(0, 8))[3]).toBe(0);
    expect(() => Mapping.map(file, 15 * pageSize, 2 * pageSize)).toThrow(RangeError);
    file.grow(17 * pageSize);
    expect(Mapping.map(file, 15 * pageSize, 2 * pageSize).length).toBe(2 * pageSize);
    expect(() => file.grow(pageSize)).toThrow(RangeError);
  });

  it('puts parts of files into a reservation, and takes them out', () => {
    const file = Memfd.create(4 * pageSize);
    new Uint8Array(Mapping.map(file, 0, 4 * pageSize).arrayBuffer(0, 4 * pageSize)).fill(5);
    const mapping = Mapping.reserve(8 * pageSize);
    const bytes = new Uint8Array(mapping.arrayBuffer(0, mapping.length));
    mapping.place(2 * pageSize, file, pageSize, 2 * pageSize);
    expect([bytes[2 * pageSize - 1], bytes[2 * pageSize], bytes[4 * pageSize - 1], bytes[4 * pageSize]]).toEqual([
      0, 5, 5, 0,
    ]);
    mapping.clear(3 * pageSize, pageSize);
    expect([bytes[2 * pageSize], bytes[3 * pageSize]]).toEqual([5, 0]);
  });

  it('moves pages without copying, and leaves a hole', () => {
    const from = Mapping.reserve(4 * pageSize);
    const into = Mapping.reserve(4 * pageSize);
    const source = new Uint8Array(from.arrayBuffer(0, from.length)).fill(1);
    const bytes = new Uint8Array(into.arrayBuffer(0, into.length)).fill(2);
    from.move(pageSize, 2 * pageSize, into, 2 * pageSize);
    expect([source[0], source[pageSize], source[3 * pageSize]]).toEqual([1, 0, 1]);
    expect([bytes[pageSize], bytes[2 * pageSize], bytes[4 * pageSize - 1]]).toEqual([2, 1, 1]);
    expect(() => into.move(0, 2 * pageSize, into, pageSize)).toThrow(RangeError);
  });

  it('keeps what a move that the kernel refuses would have replaced', () => {
    const from = Mapping.reserve(2 * pageSize);
    // Two pieces: the kernel moves one at a time.
    from.place(0, Memfd.create(pageSize), 0, pageSize);
    const into = Mapping.reserve(2 * pageSize);
    const bytes = new Uint8Array(into.arrayBuffer(0, into.length)).fill(9);
    expect(() => from.move(0, 2 * pageSize, into, 0)).toThrow(expect.objectContaining({ call: 'mremap' }) as Error);
    expect(bytes.every((byte) => byte === 9)).toBe(true);
  });

  it('detaches ArrayBuffers when it is unmapped; SharedArrayBuffers read as zeros', () => {
    const mapping = Mapping.reserve(pageSize);
    const buffer = mapping.arrayBuffer(0, pageSize);
    const shared = new Uint8Array(mapping.sharedArrayBuffer(0, pageSize)).fill(3);
    const array = new Uint8Array(buffer);
    const other = Mapping.adopt(mapping.share());
    expect(array[8]).toBe(3);
    mapping.unmap();
    mapping.unmap();
    expect([mapping.closed, mapping.length]).toEqual([true, 0]);
    expect([array.length, buffer.byteLength]).toEqual([0, 0]);
    expect(shared.every((byte) => byte === 0)).toBe(true);
    shared[8] = 1;
    expect(() => mapping.arrayBuffer(0, 8)).toThrow(error('CLOSED'));
    expect(() => other.arrayBuffer(0, 8)).toThrow(error('CLOSED'));
    expect(() => Mapping.adopt(12345678)).toThrow(error('CLOSED'));
  });

  it('lives as long as a buffer over it', async () => {
    const buffer = Mapping.reserve(pageSize).arrayBuffer(0, pageSize);
    new Uint8Array(buffer).fill(6);
    for (let i = 0; i < 20; i++) {
      new Uint8Array(Mapping.reserve(2 ** 20).arrayBuffer(0, 2 ** 20)).fill(1);
      await new Promise(setImmediate);
    }
    expect(new Uint8Array(buffer)[17]).toBe(6);
  });

  it('takes advice, but none that makes an access a crash', () => {
    const mapping = Mapping.reserve(4 * pageSize);
    const bytes = new Uint8Array(mapping.arrayBuffer(0, mapping.length)).fill(8);
    mapping.advise(pageSize, pageSize, Advice.dontNeed);
    expect([bytes[0], bytes[pageSize]]).toEqual([8, 0]);
    for (const advice of Object.values(Advice)) {
      try {
        mapping.advise(0, mapping.length, advice);
      } catch (thrown) {
        expect(thrown).toMatchObject({ call: 'madvise' });
      }
    }
    const poison = 100;
    const guard = 102;
    for (const advice of [poison, guard, 10, 11, -1, 5]) {
      expect(() => mapping.advise(0, pageSize, advice)).toThrow(RangeError);
    }
  });

  it('shows what a driver has, of files that requests were declared for', () => {
    const requests = [{ request: 0x5401 }];
    const open = (path: string, flags?: number) => Descriptor.open(path, flags, requests);
    const zero = open('/dev/zero');
    const mapping = Mapping.map(zero, 0, 2 * pageSize);
    zero.close();
    const bytes = new Uint8Array(mapping.arrayBuffer(0, mapping.length));
    bytes[pageSize] = 5;
    expect([bytes[0], bytes[pageSize]]).toEqual([0, 5]);
    expect(() => mapping.move(0, pageSize, Mapping.reserve(pageSize), 0)).toThrow(error('UNSUPPORTED'));
    mapping.unmap();
    expect(() => Mapping.map(zero, 0, pageSize)).toThrow(error('CLOSED'));
    // What a driver refuses leaves no hole behind; what is no driver's file is not asked for.
    expect(() => Mapping.map(open('/dev/null'), 0, pageSize)).toThrow(error('ENODEV'));
    expect(() => Mapping.map(open('/dev/zero', 0), 0, pageSize)).toThrow(error('EACCES'));
    expect(() => Mapping.map(Descriptor.open('/dev/zero'), 0, pageSize)).toThrow(error('ENODEV'));
    expect(() => Mapping.map(open(process.execPath, 0), 0, pageSize)).toThrow(error('ENODEV'));
    expect(() => Mapping.map(open('/dev/zero'), 1, pageSize)).toThrow(RangeError);
    expect(() => Mapping.map(open('/dev/zero'), 0, 0)).toThrow(RangeError);
    expect(() => Mapping.reserve(pageSize).place(0, open('/dev/zero') as never, 0, pageSize)).toThrow(TypeError);
  });

  it('says what the system refuses', () => {
    expect(() => Mapping.reserve(2 ** 47)).toThrow(
      expect.objectContaining({ code: 'ENOMEM', errno: 12, call: 'mmap' }) as Error,
    );
    expect(() => Mapping.reserve(0)).toThrow(RangeError);
    expect(() => Mapping.reserve(pageSize + 1)).toThrow(RangeError);
    expect(() => Mapping.reserve(pageSize).arrayBuffer(0, pageSize + 1)).toThrow(RangeError);
    expect(() => Mapping.reserve(2 ** 33).arrayBuffer(0, 2 ** 32 + 1)).toThrow(RangeError);
    const { constructor } = Mapping.reserve(pageSize);
    expect(constructor).toBe(Mapping);
    expect(() => void Reflect.construct(constructor, [])).toThrow(TypeError);
  });
});
