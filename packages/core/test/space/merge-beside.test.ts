import { createSpace, managedMemory } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { expectCode, PAGE } from './helpers.js';
import { two, mergeable, numbered, distinct, result } from './merge-helpers.js';

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
