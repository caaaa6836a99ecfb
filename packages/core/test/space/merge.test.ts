import { createSpace, managedMemory } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { expectCode, PAGE, pattern, TestSource } from './helpers.js';
import { MOST_SHARERS, two, mergeable, numbered, result } from './merge-helpers.js';

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
