import { type AddressSpace, createSpace, type HostMemory, managedMemory, type MergeResult } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { expectCode, PAGE, pattern, TestSource } from './helpers.js';

const MOST_SHARERS = 256;

/** Two spaces on one host memory, each with a mergeable region of `pages` pages. */
async function two(pages: number, host: HostMemory = managedMemory()) {
  const [a, b] = [await createSpace({ host }), await createSpace({ host })];
  const at = await mergeable(a, pages);
  const from = await mergeable(b, pages);
  return { host, a, b, at, from };
}

async function mergeable(space: AddressSpace, pages: number): Promise<number> {
  const { address } = space.map({ bytes: pages * PAGE });
  await space.advise(address, pages * PAGE, { mergeable: true });
  return address;
}

/** `count` pages, each filled with its number, counted from `first`. */
function numbered(first: number, count: number): Uint8Array {
  const bytes = new Uint8Array(count * PAGE);
  for (let i = 0; i < count; i++) bytes.fill(first + i, i * PAGE, (i + 1) * PAGE);
  return bytes;
}

/** `count` pages, no two of them equal. */
function distinct(count: number): Uint8Array {
  const bytes = new Uint8Array(count * PAGE);
  new Uint32Array(bytes.buffer).forEach((_, i, all) => (all[i] = (i >> 10) + 1));
  return bytes;
}

const result = (scanned: number, merged: number, refused: number, pages: number): MergeResult => ({
  scanned,
  merged,
  refused,
  bytesSaved: pages * PAGE,
});

describe('merge', () => {
  it('merges equal pages across spaces, and a write through either gets a copy', async () => {
    const { host, a, b, at, from } = await two(4);
    await a.write(at, pattern(4 * PAGE));
    await b.write(from, pattern(4 * PAGE));
    expect(await a.merge()).toEqual(result(8, 4, 0, 4));
    expect(host.used).toBe(4);
    await a.write(at + 5, Uint8Array.of(1));
    await b.write(from + PAGE + 5, Uint8Array.of(2));
    const changed = (offset: number, value: number) => {
      const bytes = pattern(4 * PAGE);
      bytes[offset] = value;
      return bytes;
    };
    expect(await a.read(at, 4 * PAGE)).toEqual(changed(5, 1));
    expect(await b.read(from, 4 * PAGE)).toEqual(changed(PAGE + 5, 2));
    expect(host.used).toBe(6);
    await a.close();
    expect(await b.read(from, 4 * PAGE)).toEqual(changed(PAGE + 5, 2));
    await b.close();
    expect(host.used).toBe(0);
  });

  it('merges within a space, whichever space of the host memory is asked', async () => {
    const { host, a, b, at } = await two(6);
    await a.write(at, numbered(7, 1));
    for (let page = 1; page < 6; page++) await a.write(at + page * PAGE, numbered(page === 3 ? 8 : 7, 1));
    expect(await b.merge()).toEqual(result(6, 4, 0, 4));
    {
      // A hold on several entries of one page gives each its own.
      using held = await a.acquire(at, 6 * PAGE, 'write');
      for (let page = 0; page < 6; page++) held.bytes[page * PAGE] = page;
    }
    const expected = numbered(7, 6);
    expected.set(new Uint8Array(5 * PAGE).fill(7), PAGE);
    expected.fill(8, 3 * PAGE, 4 * PAGE).fill(7, 0, PAGE);
    for (let page = 0; page < 6; page++) expected[page * PAGE] = page;
    expect(await a.read(at, 6 * PAGE)).toEqual(expected);
    expect(host.used).toBe(6);
    await a.close();
    await b.close();
  });

  it('finds nothing to do a second time, and what became equal since', async () => {
    const { a, b, at, from } = await two(2);
    await a.write(at, numbered(1, 2));
    await b.write(from, numbered(1, 1));
    await b.write(from + PAGE, numbered(9, 1));
    expect((await a.merge()).merged).toBe(1);
    expect(await a.merge()).toEqual(result(4, 0, 0, 0));
    await b.write(from + PAGE, numbered(2, 1));
    expect(await a.merge()).toEqual(result(4, 1, 0, 1));
    await a.close();
    await b.close();
  });

  it('unmaps pages of zeros in anonymous memory', async () => {
    const { host, a, b, at, from } = await two(4);
    await a.write(at, new Uint8Array(4 * PAGE));
    (await b.acquire(from, 2 * PAGE, 'read')).release();
    expect(await a.merge()).toEqual(result(6, 6, 0, 6));
    expect(host.used).toBe(0);
    expect(await a.read(at, 4 * PAGE)).toEqual(new Uint8Array(4 * PAGE));
    await a.write(at + PAGE, numbered(5, 1));
    expect((await a.read(at, 2 * PAGE)).subarray(PAGE)).toEqual(numbered(5, 1));
    await a.close();
    await b.close();
  });

  it('leaves alone what nobody offered: other regions, shared memory, what a file shows', async () => {
    const host = managedMemory();
    const space = await createSpace({ host });
    const source = new TestSource(numbered(3, 2));
    const plain = space.map({ bytes: 2 * PAGE });
    const shared = space.map({ bytes: 2 * PAGE, share: 'shared' });
    const file = space.map({ bytes: 2 * PAGE, source });
    const mine = await mergeable(space, 2);
    for (const { address } of [plain, shared]) await space.write(address, numbered(3, 2));
    await space.write(mine, numbered(3, 2));
    await space.read(file.address, 2 * PAGE);
    for (const { address } of [shared, file]) await space.advise(address, 2 * PAGE, { mergeable: true });
    const used = host.used;
    expect(await space.merge()).toEqual(result(2, 0, 0, 0));
    expect(host.used).toBe(used);
    await space.write(shared.address, numbered(9, 2));
    expect(await space.read(mine, 2 * PAGE)).toEqual(numbered(3, 2));
    // Private copies of a file take part; pages of zeros among them stay, or the file would show again.
    await space.write(file.address, new Uint8Array(PAGE));
    await space.write(file.address + PAGE, numbered(4, 1));
    expect(await space.merge()).toEqual(result(4, 1, 0, 1));
    expect(await space.read(file.address, PAGE)).toEqual(new Uint8Array(PAGE));
    await space.write(mine + PAGE, numbered(8, 1));
    expect(await space.read(file.address + PAGE, PAGE)).toEqual(numbered(4, 1));
    await space.close();
  });

  it('stops when the advice is taken back; what is merged stays so', async () => {
    const { host, a, b, at, from } = await two(2);
    await a.write(at, numbered(1, 2));
    await b.write(from, numbered(1, 2));
    await b.advise(from + PAGE, PAGE, { mergeable: false });
    expect(await a.merge()).toEqual(result(3, 1, 0, 1));
    await b.advise(from, PAGE, { mergeable: false });
    expect(await a.merge()).toEqual(result(2, 0, 0, 0));
    expect(host.used).toBe(3);
    await a.close();
    await b.close();
  });

  it('lets at most 256 entries share one page, and begins another', async () => {
    const pages = 2 * MOST_SHARERS + 10;
    const { host, a, b, at } = await two(pages);
    for (let page = 0; page < pages; page++) await a.write(at + page * PAGE, numbered(1, 1));
    expect(await a.merge()).toEqual(result(pages, pages - 3, 0, pages - 3));
    expect(host.used).toBe(3);
    expect(await a.merge()).toEqual(result(pages, 0, 0, 0));
    await a.close();
    await b.close();
  });

  it('merges what a fork shares, entry by entry, and a fork inherits the advice', async () => {
    const { host, a, b, at, from } = await two(3);
    await a.write(at, numbered(1, 3));
    await b.write(from, numbered(1, 3));
    const child = await a.fork();
    expect(child.regionAt(at)!.advice).toEqual({ mergeable: true });
    expect(await b.merge()).toEqual(result(9, 3, 0, 3));
    await child.write(at, numbered(9, 1));
    await a.write(at + PAGE, numbered(8, 1));
    expect(await b.read(from, 3 * PAGE)).toEqual(numbered(1, 3));
    expect((await child.read(at, 3 * PAGE)).subarray(PAGE)).toEqual(numbered(2, 2));
    expect((await a.read(at, 3 * PAGE)).subarray(0, PAGE)).toEqual(numbered(1, 1));
    await a.close();
    await b.close();
    expect((await child.read(at, 3 * PAGE)).subarray(2 * PAGE)).toEqual(numbered(3, 1));
    await child.close();
    expect(host.used).toBe(0);
  });

  it('keeps merged pages through protect, remap, unmap and dontNeed', async () => {
    const { host, a, b, at, from } = await two(4);
    await a.write(at, numbered(1, 4));
    await b.write(from, numbered(1, 4));
    await a.protect(at, 4 * PAGE, 'read');
    expect((await b.merge()).merged).toBe(4);
    await expectCode(a.write(at, numbered(9, 1)), 'ACCESS_DENIED');
    const moved = await a.remap(at, 2 * PAGE, { address: at + (1 << 30) });
    expect(await a.read(moved.address, 2 * PAGE)).toEqual(numbered(1, 2));
    await a.unmap(at + 2 * PAGE, PAGE);
    await b.dontNeed(from + 3 * PAGE, PAGE);
    expect(await a.read(at + 3 * PAGE, PAGE)).toEqual(numbered(4, 1));
    await a.protect(at + 3 * PAGE, PAGE, 'none');
    await b.write(from + 3 * PAGE, numbered(4, 1));
    expect(await b.merge()).toEqual(result(7, 1, 0, 1));
    await a.protect(at + 3 * PAGE, PAGE, 'read-write');
    await b.write(from, numbered(5, 4));
    expect(await a.read(at + 3 * PAGE, PAGE)).toEqual(numbered(4, 1));
    expect(await a.read(moved.address, 2 * PAGE)).toEqual(numbered(1, 2));
    await a.close();
    await b.close();
    expect(host.used).toBe(0);
  });
});

describe('merge beside others', () => {
  it('refuses pages that are held, and finds them afterwards', async () => {
    const { a, b, at, from } = await two(3);
    await a.write(at, numbered(1, 3));
    await b.write(from, numbered(1, 3));
    const reading = await a.acquire(at, PAGE, 'read');
    const writing = await b.acquire(from + PAGE, PAGE, 'write');
    expect(await a.merge()).toEqual(result(6, 1, 2, 1));
    writing.bytes.fill(2);
    reading.release();
    writing.release();
    expect(await a.merge()).toEqual(result(6, 2, 0, 2));
    await a.close();
    await b.close();
  });

  it('refuses where a notifier does, which must then see the page unchanged', async () => {
    const { a, b, at, from } = await two(1);
    await a.write(at, numbered(1, 1));
    await b.write(from, numbered(1, 1));
    const seen: string[] = [];
    const notifier = b.notifiers.insert({
      start: from,
      end: from + PAGE,
      invalidate({ kind, blockable }) {
        seen.push(`${kind} ${blockable}`);
        return false;
      },
    });
    expect(await a.merge()).toEqual(result(2, 0, 1, 0));
    expect(seen).toEqual(['clear false']);
    notifier.remove();
    expect((await a.merge()).merged).toBe(1);
    await a.close();
    await b.close();
  });

  it('compares after notifiers were told: what they change is seen', async () => {
    const { a, b, at, from } = await two(1);
    await a.write(at, numbered(1, 1));
    await b.write(from, numbered(1, 1));
    let unmapped: Promise<void> | undefined;
    b.notifiers.insert({
      start: from,
      end: from + PAGE,
      invalidate: ({ kind }) => {
        if (kind === 'clear') unmapped = b.unmap(from, PAGE);
      },
    });
    expect(await a.merge()).toEqual(result(2, 0, 0, 0));
    await unmapped;
    expect(await a.read(at, PAGE)).toEqual(numbered(1, 1));
    await a.close();
    await b.close();
  });

  it('passes on what a notifier throws, and changes nothing there', async () => {
    const { a, b, at, from } = await two(1);
    await a.write(at, numbered(1, 1));
    await b.write(from, numbered(1, 1));
    const notifier = b.notifiers.insert({
      start: from,
      end: from + PAGE,
      invalidate() {
        throw new Error('not now');
      },
    });
    await expect(a.merge()).rejects.toThrow('not now');
    notifier.remove();
    expect((await a.merge()).merged).toBe(1);
    await a.close();
    await b.close();
  });

  it('gives way, says how far it is, and what happens meanwhile counts', async () => {
    const pages = 1024;
    const { host, a, b, at, from } = await two(pages);
    const other = await createSpace({ host });
    const third = await mergeable(other, pages);
    const bytes = distinct(pages);
    for (const [space, start] of [
      [a, at],
      [b, from],
      [other, third],
    ] as const)
      await space.write(start, bytes);
    const progress: number[] = [];
    const merging = a.merge({
      onProgress: (done, total) => {
        expect(total).toBe(3 * pages);
        progress.push(done);
        if (progress.length === 2) void a.write(at, Uint8Array.of(99));
        if (progress.length === 5) void other.close();
      },
    });
    const { merged } = await merging;
    expect(progress.length).toBeGreaterThan(5);
    expect(progress).toEqual([...progress].sort((x, y) => x - y));
    expect(progress.at(-1)).toBe(3 * pages);
    expect(merged).toBeGreaterThan(pages / 2);
    bytes[0] = 99;
    expect(Buffer.compare(await a.read(at, pages * PAGE), bytes)).toBe(0);
    bytes[0] = 1;
    expect(Buffer.compare(await b.read(from, pages * PAGE), bytes)).toBe(0);
    await a.close();
    await b.close();
    expect(host.used).toBe(0);
  });

  it('merges nothing with pages whose advice was taken back meanwhile', async () => {
    const pages = 600;
    const { host, a, b, at, from } = await two(pages);
    await a.write(at, distinct(pages));
    await b.write(from, distinct(pages));
    let steps = 0;
    let advised: Promise<void> | undefined;
    const { merged } = await a.merge({
      // All of the first space was seen by then, and little of the second.
      onProgress: () => {
        if (++steps === 4) advised = a.advise(at, pages * PAGE, { mergeable: false });
      },
    });
    await advised;
    expect(merged).toBeGreaterThan(0);
    expect(merged).toBeLessThan(pages / 2);
    expect(host.used).toBe(2 * pages - merged);
    await a.close();
    await b.close();
  });

  it('ends with ABORTED or CLOSED between two steps, and keeps what was merged', async () => {
    const pages = 600;
    const { host, a, b, at, from } = await two(pages);
    const bytes = distinct(pages);
    await a.write(at, bytes);
    await b.write(from, bytes);
    const controller = new AbortController();
    let steps = 0;
    const stopped = a.merge({
      signal: controller.signal,
      onProgress: () => {
        if (++steps === 4) controller.abort();
      },
    });
    await expectCode(stopped, 'ABORTED');
    expect(host.used).toBeLessThan(2 * pages);
    expect(host.used).toBeGreaterThan(pages);
    expect(Buffer.compare(await b.read(from, pages * PAGE), bytes)).toBe(0);
    let closing: Promise<void> | undefined;
    await expectCode(a.merge({ onProgress: () => void (closing ??= a.close()) }), 'CLOSED');
    await closing;
    expect(Buffer.compare(await b.read(from, pages * PAGE), bytes)).toBe(0);
    await b.close();
  });

  it('two passes at a time merge what one would', async () => {
    const { host, a, b, at, from } = await two(300);
    const bytes = distinct(300);
    await a.write(at, bytes);
    await b.write(from, bytes);
    const [first, second] = await Promise.all([a.merge(), b.merge()]);
    expect(first.merged + second.merged).toBe(300);
    expect(host.used).toBe(300);
    expect(Buffer.compare(await a.read(at, 300 * PAGE), bytes)).toBe(0);
    await a.close();
    await b.close();
  });

  it('a write to a merged page says so when no host memory is left for its copy', async () => {
    const { a, b, at, from } = await two(2, managedMemory({ limit: 4 * PAGE }));
    await a.write(at, numbered(1, 2));
    await b.write(from, numbered(1, 2));
    await a.merge();
    const more = a.map({ bytes: 2 * PAGE });
    await a.write(more.address, numbered(5, 2));
    await expectCode(a.write(at, numbered(9, 1)), 'OUT_OF_HOST_MEMORY');
    expect(await a.read(at, 2 * PAGE)).toEqual(numbered(1, 2));
    await more.unmap();
    await a.write(at, numbered(9, 1));
    expect(await b.read(from, 2 * PAGE)).toEqual(numbered(1, 2));
    await a.close();
    await b.close();
  });
});

describe('written after merging', () => {
  it('says of each entry what it would have said without', async () => {
    const { a, b, at, from } = await two(4);
    await a.write(at, numbered(1, 4));
    await b.write(from, numbered(1, 4));
    b.written(from, 2 * PAGE);
    await a.merge();
    expect(a.written(at, 4 * PAGE)).toEqual([{ start: at, end: at + 4 * PAGE }]);
    expect(a.written(at, 4 * PAGE)).toEqual([]);
    expect(b.written(from, 4 * PAGE)).toEqual([{ start: from + 2 * PAGE, end: from + 4 * PAGE }]);
    expect(b.written(from, 4 * PAGE)).toEqual([]);
    await a.write(at + PAGE, numbered(7, 1));
    expect(a.written(at, 4 * PAGE)).toEqual([{ start: at + PAGE, end: at + 2 * PAGE }]);
    expect(b.written(from, 4 * PAGE)).toEqual([]);
    await a.close();
    await b.close();
  });

  it('keeps a write before the merge through the copy on the next, once', async () => {
    const { a, b, at, from } = await two(3);
    await a.write(at, numbered(1, 3));
    await b.write(from, numbered(1, 3));
    await a.merge();
    await a.write(at + PAGE, numbered(7, 1));
    expect(a.written(at, 3 * PAGE)).toEqual([{ start: at, end: at + 3 * PAGE }]);
    expect(b.written(from, 3 * PAGE)).toEqual([{ start: from, end: from + 3 * PAGE }]);
    await a.close();
    await b.close();
  });

  it('knows of pages of zeros that were unmapped; forgets with dontNeed, moves with remap, follows a fork', async () => {
    const { a, b, at } = await two(4);
    await a.write(at, new Uint8Array(4 * PAGE));
    await a.merge();
    const child = await a.fork();
    expect(child.written(at, 4 * PAGE)).toEqual([{ start: at, end: at + 4 * PAGE }]);
    await a.dontNeed(at, PAGE);
    await a.unmap(at + PAGE, PAGE);
    const moved = await a.remap(at + 3 * PAGE, PAGE, { address: at + (1 << 30) });
    expect(a.written(at, 4 * PAGE)).toEqual([{ start: at + 2 * PAGE, end: at + 3 * PAGE }]);
    expect(a.written(moved.address, PAGE)).toEqual([{ start: moved.address, end: moved.address + PAGE }]);
    await child.close();
    await a.close();
    await b.close();
  });
});
