import { createSpace, managedMemory } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { expectCode, PAGE, pattern, settle, TestSource } from './helpers.js';

const MIB = 1 << 20;
const PER_GRANULE = MIB / PAGE;

/** Compares bytes; `toEqual` takes a millisecond a page. */
function same(actual: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(actual, expected)).toBe(0);
}

/** Host memory with four granules of which every eighth page is in use, in `space`; and what the pages hold. */
async function sparse(host = managedMemory()) {
  const space = await createSpace({ host });
  const region = space.map({ bytes: 4 * MIB });
  // Page by page, so that each granule has storage of its own.
  const { start, bytes } = region;
  for (let at = 0; at < bytes; at += PAGE) await space.write(start + at, pattern(PAGE, at / PAGE));
  for (let at = 0; at < bytes; at += PAGE) if ((at / PAGE) % 8 !== 0) await space.unmap(start + at, PAGE);
  const pages = Array.from({ length: PER_GRANULE / 2 }, (_none, i) => start + i * 8 * PAGE);
  const check = async () => {
    for (const [i, at] of pages.entries()) same(await space.read(at, PAGE), pattern(PAGE, i * 8));
  };
  return { host, space, pages, start, check };
}

describe('compact', () => {
  it('empties sparse storage into what is left of it, and says how much that gave back', async () => {
    const { host, space, check } = await sparse();
    const before = host.used;
    expect(await space.compact()).toEqual({ moved: 96, refused: 0, bytesFreed: 3 * MIB });
    expect(host.used).toBe(before);
    await check();
    expect(await space.compact()).toEqual({ moved: 0, refused: 0, bytesFreed: 0 });
    await space.close();
    expect(host.used).toBe(0);
  });

  it('empties pieces of storage as a whole: what was made at once goes back at once', async () => {
    const host = managedMemory();
    const space = await createSpace({ host });
    const large = space.map({ bytes: 8 * MIB });
    const { start } = large;
    await space.write(start, pattern(8 * MIB));
    const small = space.map({ bytes: PAGE });
    await space.write(small.start, pattern(PAGE, 2));
    // A few pages in each of its granules are left, and then in one of them only: all of it is still in memory.
    const kept = [3, 300, 600, 900, 1800, 2047].map((page) => start + page * PAGE);
    for (let at = start; at < start + 8 * MIB; at += PAGE) if (!kept.includes(at)) await space.unmap(at, PAGE);
    expect(await space.compact()).toEqual({ moved: 6, refused: 0, bytesFreed: 8 * MIB });
    for (const at of kept) same(await space.read(at, PAGE), pattern(8 * MIB).subarray(at - start, at - start + PAGE));
    same(await space.read(small.start, PAGE), pattern(PAGE, 2));
    expect(await space.compact()).toEqual({ moved: 0, refused: 0, bytesFreed: 0 });
    await space.close();
    expect(host.used).toBe(0);
  });

  it('works at the limit of the host memory', async () => {
    const { host, space, check, start } = await sparse(managedMemory({ limit: 4 * MIB }));
    const rest = space.map({ bytes: 4 * MIB - 128 * PAGE });
    await space.write(rest.start, pattern(rest.bytes));
    await expectCode(space.write(space.map({ bytes: PAGE }).start, pattern(1)), 'OUT_OF_HOST_MEMORY');
    await rest.unmap({ offset: 0, bytes: rest.bytes - 64 * PAGE });
    expect((await space.compact()).refused).toBe(0);
    await check();
    expect(space.regionAt(start)).toBeDefined();
    expect(host.used).toBe(192);
    await space.close();
  });

  it('gives nothing out of what it empties meanwhile, and uses it again afterwards', async () => {
    const { host, space, check } = await sparse();
    const other = await createSpace({ host });
    const region = other.map({ bytes: 300 * PAGE });
    const running = space.compact({ onProgress: () => void other.write(region.start, pattern(300 * PAGE)) });
    expect((await running).bytesFreed).toBe(3 * MIB);
    await check();
    const { bytes } = region;
    same(await other.read(region.start, bytes), pattern(bytes));
    await other.close();
    const again = await createSpace({ host });
    const large = again.map({ bytes: 2 * MIB });
    await again.write(large.start, pattern(large.bytes));
    await check();
    await again.close();
    await space.close();
    expect(host.used).toBe(0);
  });

  it('leaves what the CPU holds, and takes it up when it is released', async () => {
    const { space, pages, check } = await sparse();
    const held = await space.acquire(pages[0]!, PAGE, 'write');
    const read = await space.acquire(pages[60]!, PAGE, 'read');
    const first = await space.compact();
    expect([1, 2]).toContain(first.refused);
    expect(first.bytesFreed).toBeLessThan(3 * MIB);
    held.release();
    read.release();
    const second = await space.compact();
    expect(second.refused).toBe(0);
    expect(first.bytesFreed + second.bytesFreed).toBe(3 * MIB);
    await check();
    const late = await space.acquire(pages[1]!, PAGE, 'read');
    late.release();
    await space.close();
  });

  it('moves pages of all spaces: shared by a fork, cached, of files that nothing maps, and zeros without storage', async () => {
    const { host, space, pages, check } = await sparse();
    const child = await space.fork();
    const source = new TestSource(pattern(64 * PAGE, 3));
    const file = child.map({ bytes: 64 * PAGE, source, share: 'shared' });
    const shared = child.map({ bytes: 8 * PAGE, share: 'shared' });
    const zeros = child.map({ bytes: 8 * PAGE });
    await child.read(file.start, 64 * PAGE);
    await child.write(file.start + PAGE, pattern(PAGE, 9));
    await child.write(shared.start, pattern(8 * PAGE, 5));
    (await child.acquire(zeros.start, 8 * PAGE, 'read')).release();
    const result = await child.compact();
    expect(result.bytesFreed).toBeGreaterThanOrEqual(2 * MIB);
    await check();
    for (const [i, at] of pages.entries()) same(await child.read(at, PAGE), pattern(PAGE, i * 8));
    await child.write(pages[0]!, pattern(PAGE, 77));
    await check();
    same(await child.read(shared.start, 8 * PAGE), pattern(8 * PAGE, 5));
    same(await child.read(zeros.start, 8 * PAGE), new Uint8Array(8 * PAGE));
    same(await child.read(file.start + PAGE, PAGE), pattern(PAGE, 9));
    expect(source.reads.length).toBeLessThanOrEqual(2);
    expect(await child.sync(file.start, file.bytes)).toBe(1);
    same(source.bytes.subarray(PAGE, 2 * PAGE), pattern(PAGE, 9));
    await child.close();
    await space.close();
    expect(host.used).toBe(0);
  });

  it('keeps what was written: written() says the same, moved or not', async () => {
    const { space, pages, start } = await sparse();
    space.written(start, 4 * MIB);
    await space.write(pages[3]!, pattern(8));
    await space.write(pages[100]!, pattern(8));
    const result = await space.compact();
    expect(result.moved).toBe(96);
    expect(space.written(start, 4 * MIB)).toEqual(
      [pages[3]!, pages[100]!].map((at) => ({ start: at, end: at + PAGE })),
    );
    expect(space.written(start, 4 * MIB)).toEqual([]);
    await space.close();
  });

  it('tells notifiers before each entry changes, as a migration', async () => {
    const { space, start } = await sparse();
    const seen = new Set<number>();
    const { length } = await collect();
    expect(length).toBe(96);
    async function collect() {
      using _ = space.notifiers.insert({
        start,
        end: start + 4 * MIB,
        invalidate: (event) => {
          expect(event.kind).toBe('migrate');
          expect(event.end - event.start).toBe(PAGE);
          seen.add(event.start);
        },
      });
      await space.compact();
      return [...seen];
    }
    await space.close();
  });

  it('survives notifiers that unmap what is about to move, and hands on what they throw', async () => {
    const { host, space, pages, start } = await sparse();
    let told = 0;
    const notifier = space.notifiers.insert({
      start,
      end: start + 4 * MIB,
      invalidate: (event) => {
        if (event.kind === 'migrate' && told++ === 5) void space.unmap(event.start, PAGE);
      },
    });
    const { moved } = await space.compact();
    expect(moved).toBe(95);
    notifier.remove();
    await settle();
    expect(host.used).toBe(127);
    const thrower = space.notifiers.insert({
      start,
      end: start + 4 * MIB,
      invalidate: () => {
        throw new Error('no');
      },
    });
    await expect(space.relocate(pages[1]!, 2 * PAGE)).rejects.toThrow();
    await expect(space.relocate(start, PAGE)).resolves.toBeDefined();
    thrower.remove();
    await space.close();
    expect(host.used).toBe(0);
  });

  it('ends with ABORTED between slices, and with CLOSED when its space is closed; what was moved stays', async () => {
    const { host, space, check } = await sparse();
    const controller = new AbortController();
    await expectCode(
      space.compact({ signal: controller.signal, onProgress: () => controller.abort() }).then((result) => {
        // One slice was enough.
        expect(result.moved).toBe(96);
        return space.compact({ signal: controller.signal });
      }),
      'ABORTED',
    );
    await check();
    const pass = space.compact();
    const closing = space.close();
    await expectCode(pass, 'CLOSED');
    await closing;
    expect(host.used).toBe(0);
  });

  it('runs one after the other', async () => {
    const { space, check } = await sparse();
    const results = await Promise.all([space.compact(), space.compact(), space.compact()]);
    expect(results.map(({ bytesFreed }) => bytesFreed)).toEqual([3 * MIB, 0, 0]);
    await check();
    await space.close();
  });
});

describe('relocate', () => {
  it('makes a range one view', async () => {
    await using space = await createSpace();
    const region = space.map({ bytes: 600 * PAGE });
    for (let at = region.bytes - PAGE; at >= 0; at -= PAGE)
      await space.write(region.start + at, pattern(PAGE, at / PAGE));
    const total = [0, 0];
    const onProgress = (done: number, of: number) => void total.splice(0, 2, done, of);
    expect(await space.relocate(region.start, region.bytes, { onProgress })).toEqual({
      moved: 600,
      refused: 0,
      contiguous: true,
    });
    expect(total).toEqual([600, 600]);
    expect(await space.relocate(region.start, region.bytes)).toEqual({ moved: 0, refused: 0, contiguous: true });
    const views: ArrayBufferLike[] = [];
    for (let i = 0; i < 2; i++) {
      using held = await region.acquire('write');
      views.push(held.bytes.buffer);
      for (let page = 0; page < 600; page++)
        same(held.bytes.subarray(page * PAGE, (page + 1) * PAGE), pattern(PAGE, page));
    }
    // Not a copy, which is made anew each time.
    expect(views[0]).toBe(views[1]);
  });

  it('gives untouched and zero pages their place without storage', async () => {
    const host = managedMemory();
    const space = await createSpace({ host });
    const region = space.map({ bytes: 16 * PAGE });
    (await space.acquire(region.start + 8 * PAGE, PAGE, 'read')).release();
    expect(await space.relocate(region.start, region.bytes)).toEqual({ moved: 1, refused: 0, contiguous: true });
    expect(host.used).toBe(16);
    same(await space.read(region.start, region.bytes), new Uint8Array(16 * PAGE));
    await space.close();
    expect(host.used).toBe(0);
  });

  it('needs room for the copies; without, nothing is changed', async () => {
    const host = managedMemory({ limit: 10 * PAGE });
    const space = await createSpace({ host });
    const region = space.map({ bytes: 6 * PAGE });
    for (let page = 5; page >= 0; page--) await space.write(region.start + page * PAGE, pattern(PAGE, page));
    await expectCode(space.relocate(region.start, region.bytes), 'OUT_OF_HOST_MEMORY');
    expect(host.used).toBe(6);
    expect(await space.relocate(region.start, 4 * PAGE)).toMatchObject({ contiguous: true });
    expect(host.used).toBe(6);
    for (let page = 0; page < 6; page++) same(await space.read(region.start + page * PAGE, PAGE), pattern(PAGE, page));
    await space.close();
    expect(host.used).toBe(0);
  });

  it('moves a page once that the range maps twice, and pages of a file that fails to be written meanwhile', async () => {
    const host = managedMemory();
    const space = await createSpace({ host });
    const source = new TestSource(pattern(4 * PAGE));
    const base = 0x4000_0000;
    for (const [i, offset] of [1, 0, 1].entries())
      space.map({
        bytes: PAGE,
        source,
        share: 'shared',
        offset: offset * PAGE,
        address: base + i * PAGE,
        fixed: true,
      });
    await space.write(base, pattern(PAGE, 4));
    await space.read(base, 3 * PAGE);
    source.writeError = new Error('disk full');
    let fail!: () => void;
    source.writeGate = new Promise((resolve) => (fail = resolve));
    const failing = expectCode(space.sync(base, 3 * PAGE), 'IO');
    await settle();
    expect(await space.relocate(base, 3 * PAGE)).toEqual({ moved: 2, refused: 0, contiguous: false });
    fail();
    await failing;
    source.writeError = undefined;
    // It is still dirty, under its new number.
    expect(await space.sync(base, 3 * PAGE)).toBe(1);
    same(source.bytes.subarray(PAGE, 2 * PAGE), pattern(PAGE, 4));
    await space.close();
    expect(host.used).toBe(0);
  });

  it('refuses more than can be one view', async () => {
    await using space = await createSpace();
    const region = space.map({ bytes: 2 ** 31 });
    await expectCode(space.relocate(region.start, region.bytes), 'INVALID_ARGUMENT');
  });
});
