import { createSpace, managedMemory, MirrorError } from '@mirrorspace/core';
import { memory, TYPICAL_LATENCY } from '@mirrorspace/memory';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { addTo, load, openRig, PAGE, WORDS } from './rig.js';
import { Toucher } from './toucher.js';

describe('a live region', () => {
  it('is what map gives on native memory, at the addresses of the process', async () => {
    await using rig = await openRig(16);
    const region = rig.space.map({ bytes: 8 * PAGE });
    expect([region.live, region.shared]).toEqual([true, true]);
    const maps = await readFile('/proc/self/maps', 'utf8');
    expect(maps).toContain(`${region.address.toString(16)}-${(region.address + region.bytes).toString(16)} rw-s`);
    const bytes = region.array(Uint8Array);
    bytes[5] = 7;
    expect(await rig.space.read(region.address, 8)).toEqual(Uint8Array.of(0, 0, 0, 0, 0, 7, 0, 0));
    const other = rig.space.map({ bytes: PAGE, share: 'private' });
    expect(other.live).toBe(false);
    expect(() => other.buffer()).toThrow(MirrorError);
  });

  it('gives arrays of any part, that are of use until it is unmapped', async () => {
    await using rig = await openRig(16);
    const region = rig.space.map({ bytes: 8 * PAGE });
    const part = region.array(Float64Array, { offset: 5 * 8, bytes: 2 * 8 });
    const whole = region.array(Float64Array);
    part[1] = 1.5;
    expect(whole[6]).toBe(1.5);
    expect(() => region.array(Float64Array, { offset: 4, bytes: 8 })).toThrow(RangeError);
    expect(() => region.array(Float64Array, { bytes: 12 })).toThrow(RangeError);
    await region.unmap();
    expect([part.length, whole.length]).toEqual([0, 0]);
    expect(() => region.array(Uint8Array)).toThrow(expect.objectContaining({ code: 'CLOSED' }));
    expect(rig.host.used).toBe(0);
  });

  it('can be cut and moved, but stays as long as it was mapped', async () => {
    await using rig = await openRig(16);
    const region = rig.space.map({ bytes: 4 * PAGE });
    region.array(Uint8Array)[PAGE] = 7;
    await expect(rig.space.remap(region.address, region.bytes, { bytes: 6 * PAGE })).rejects.toThrow(RangeError);
    const moved = await rig.space.remap(region.address + PAGE, 2 * PAGE, { bytes: 3 * PAGE });
    expect((await rig.mirror.read(moved.address, 1))[0]).toBe(7);
    expect((await rig.mirror.read(moved.address + 2 * PAGE, 1))[0]).toBe(0);
    await expect(rig.space.remap(moved.address, moved.bytes, { bytes: 4 * PAGE })).rejects.toThrow(RangeError);
  });

  it('needs memory that can do it, and neither a source nor private pages', async () => {
    await using space = await createSpace({ host: managedMemory() });
    expect(() => space.map({ bytes: PAGE, live: true })).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
    await using rig = await openRig(16);
    expect(() => rig.space.map({ bytes: PAGE, live: true, share: 'private' })).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED' }),
    );
  });
});

describe('plain stores', () => {
  it('before a launch are seen by it, whether the device has the page already or not', async () => {
    await using rig = await openRig(16);
    const region = rig.space.map({ bytes: 8 * PAGE });
    const words = region.array(Uint32Array);
    for (let round = 1; round < 5; round++) {
      words[0] = 10 * round;
      words[WORDS] = 20 * round;
      // Copies for reading, which the next stores make stale.
      await rig.mirror.prefetch(region.address, 8 * PAGE);
      expect(new Uint32Array((await rig.mirror.read(region.address, 4)).buffer)[0]).toBe(10 * round);
      words[0] = 10 * round + 1;
      expect(new Uint32Array((await rig.mirror.read(region.address, 4)).buffer)[0]).toBe(10 * round + 1);
      await addTo(rig.mirror, region, 0, 2, 5);
      expect([await load(region, words, 0), await load(region, words, WORDS)]).toEqual([
        10 * round + 6,
        20 * round + 5,
      ]);
    }
  });

  it('between the last look and the moment that a device becomes the owner are not lost', async () => {
    await using rig = await openRig(16);
    const region = rig.space.map({ bytes: PAGE });
    const words = region.array(Uint32Array);
    await rig.mirror.prefetch(region.address, PAGE);
    words[1] = 3;
    const owned = rig.mirror.prefetch(region.address, PAGE, { access: 'write' });
    await owned;
    await addTo(rig.mirror, region, 0, 1, 1);
    expect([await load(region, words, 0), words[1]]).toEqual([1, 3]);
  });

  it('are what space.written reports, once', async () => {
    await using rig = await openRig(16);
    const region = rig.space.map({ bytes: 8 * PAGE });
    const words = region.array(Uint32Array);
    await rig.mirror.prefetch(region.address, 8 * PAGE);
    words[2 * WORDS] = 1;
    await addTo(rig.mirror, region, 5, 1, 1);
    const start = region.address + 2 * PAGE;
    expect(rig.space.written(region.address, 8 * PAGE)).toEqual([{ start, end: start + PAGE }]);
    expect(rig.space.written(region.address, 8 * PAGE)).toEqual([]);
  });
});

it('what was stored before a page came to a device is sent with it, and not once more', async () => {
  await using rig = await openRig(16);
  const region = rig.space.map({ bytes: 8 * PAGE });
  const words = region.array(Uint32Array);
  for (let page = 0; page < 8; page++) words[page * WORDS] = page + 1;
  await rig.mirror.prefetch(region.address, 8 * PAGE);
  expect(rig.mirror.stats.pagesIn).toBe(8);
  for (let page = 0; page < 8; page++)
    expect(new Uint32Array((await rig.mirror.read(region.address + page * PAGE, 4)).buffer)[0]).toBe(page + 1);
  expect(rig.mirror.stats.pagesIn).toBe(8);
  words[0] = 9;
  expect(new Uint32Array((await rig.mirror.read(region.address, 4)).buffer)[0]).toBe(9);
  expect(rig.mirror.stats.pagesIn).toBe(9);
  // They were written by the CPU all the same.
  expect(rig.space.written(region.address, 8 * PAGE)).toHaveLength(1);
});

it('space.written hides no plain store from devices', async () => {
  await using rig = await openRig(16);
  const region = rig.space.map({ bytes: PAGE });
  const words = region.array(Uint32Array);
  await rig.mirror.prefetch(region.address, PAGE);
  words[0] = 5;
  expect(rig.space.written(region.address, PAGE)).toHaveLength(1);
  expect(new Uint32Array((await rig.mirror.read(region.address, 4)).buffer)[0]).toBe(5);
});

it('what was dropped on a device rather than brought home is shown again, to the thread that dropped it as well', async () => {
  await using rig = await openRig(16);
  const region = rig.space.map({ bytes: PAGE });
  const words = region.array(Uint32Array);
  await addTo(rig.mirror, region, 0, 1, 5);
  (await region.acquire('write', { discard: true })).release();
  expect(words[0]).toBe(0);
});

it('a store that one device was told of is in the copy that another one is about to own', async () => {
  await using rig = await openRig(16);
  const other = await memory.open({ memory: 16 * PAGE });
  const second = await rig.space.attach(other, { prefetch: 'none' });
  const region = rig.space.map({ bytes: PAGE });
  const words = region.array(Uint32Array);
  for (const mirror of [rig.mirror, second]) await mirror.prefetch(region.address, PAGE);
  // The second device waits for the page, of which it has a copy, before it is stored to.
  const held = await region.acquire('read');
  const added = addTo(second, region, 0, 1, 1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  words[0] = 5;
  expect(new Uint32Array((await rig.mirror.read(region.address, 4)).buffer)[0]).toBe(5);
  held.release();
  await added;
  expect(await load(region, words, 0)).toBe(6);
  await second.detach();
  await other.close();
});

it('a store to a page on its way out of a frame does not reach the page that comes into it', async () => {
  await using rig = await openRig(2, { latency: TYPICAL_LATENCY });
  const region = rig.space.map({ bytes: 3 * PAGE });
  const words = region.array(Uint32Array);
  words[2 * WORDS] = 7;
  await rig.mirror.prefetch(region.address, 2 * PAGE);
  const coming = rig.mirror.prefetch(region.address + 2 * PAGE, PAGE);
  words[0] = 9;
  const read = rig.mirror.read(region.address + 2 * PAGE, 4);
  await coming;
  expect(new Uint32Array((await read).buffer)[0]).toBe(7);
  expect(rig.mirror.stats.evictions).toBe(1);
});

describe('a plain access by another thread', () => {
  it('of pages that a device owns brings them home: loads leave it a copy, stores do not', async () => {
    await using rig = await openRig(64);
    const region = rig.space.map({ bytes: 32 * PAGE });
    await using thread = await Toucher.start(region.buffer({ shared: true }) as SharedArrayBuffer);
    await addTo(rig.mirror, region, 0, 32, 7);
    expect(rig.mirror.stats.pagesOut).toBe(0);
    const at = Array.from({ length: 32 }, (_none, page) => page * WORDS);
    expect(await thread.load(at)).toEqual(at.map(() => 7));
    await addTo(rig.mirror, region, 0, 32, 1);
    await thread.store([0, 3 * WORDS], 100);
    await addTo(rig.mirror, region, 0, 4, 1);
    expect(await thread.load(at.slice(0, 5))).toEqual([101, 9, 9, 101, 8]);
  });

  it('goes on while the device that owns them works for others', async () => {
    await using rig = await openRig(8);
    const region = rig.space.map({ bytes: 32 * PAGE });
    await using thread = await Toucher.start(region.buffer({ shared: true }) as SharedArrayBuffer);
    const at = Array.from({ length: 32 }, (_none, page) => page * WORDS);
    for (let round = 1; round <= 5; round++) {
      const [, loaded] = await Promise.all([addTo(rig.mirror, region, 0, 32, 1), thread.load(at)]);
      for (const value of loaded) expect([round - 1, round]).toContain(value);
      expect(await thread.load(at)).toEqual(at.map(() => round));
    }
  });

  it('of two devices one after the other finds what each wrote last', async () => {
    await using rig = await openRig(16);
    const other = await memory.open({ memory: 16 * PAGE });
    const second = await rig.space.attach(other, { prefetch: 'none' });
    const region = rig.space.map({ bytes: 8 * PAGE });
    await using thread = await Toucher.start(region.buffer({ shared: true }) as SharedArrayBuffer);
    for (let round = 0; round < 4; round++) {
      await addTo(rig.mirror, region, 0, 8, 1);
      await addTo(second, region, 0, 8, 10);
      expect(await thread.load([0, 7 * WORDS])).toEqual([11 * (round + 1), 11 * (round + 1)]);
    }
    await second.detach();
    await other.close();
  });
});

it('a fork sees the same live memory, and it ends with the last of both', async () => {
  await using rig = await openRig(16);
  const region = rig.space.map({ bytes: 2 * PAGE });
  const words = region.array(Uint32Array);
  words[0] = 1;
  const child = await rig.space.fork();
  words[0] = 2;
  expect(new Uint32Array((await child.read(region.address, 4)).slice().buffer)[0]).toBe(2);
  await region.unmap();
  expect(new Uint32Array((await child.read(region.address, 4)).slice().buffer)[0]).toBe(2);
  await child.close();
  expect([words.length, rig.host.used]).toEqual([0, 0]);
});
