import {
  createSpace,
  evictionPolicies,
  type EvictionName,
  FifoEviction,
  FRAME_DIRTY,
  validate,
} from '@mirrorspace/core';
import { memory, TYPICAL_LATENCY } from '@mirrorspace/memory';
import { describe, expect, it } from 'vitest';
import { createRig, expectCode, PAGE, pattern } from '../space/helpers.js';
import { double, touchPages } from './helpers.js';

const EVICTIONS = Object.keys(evictionPolicies) as EvictionName[];

describe('more data than device memory', () => {
  const latencies = { zero: 'zero', 'no latency model': {}, typical: TYPICAL_LATENCY } as const;
  for (const eviction of EVICTIONS) {
    for (const [name, latency] of Object.entries(latencies)) {
      it(`doubles every word with a quarter of the memory: ${eviction}, ${name}`, async () => {
        await using rig = await createRig({
          frames: 16,
          device: { latency, residentUnits: 64 },
          attach: { eviction, prefetch: 'tree' },
        });
        const { space, mirror } = rig;
        const words = 64 * 64;
        const region = space.map({ bytes: 64 * PAGE });
        {
          using held = await region.acquire('write');
          const array = held.as(Uint32Array);
          for (let i = 0; i < array.length; i++) array[i] = i;
        }
        await mirror.launch(double, { args: [region.address, 64], grid: [words] }).wait();
        using held = await region.acquire('read');
        const array = held.as(Uint32Array);
        const wrong = array.findIndex((value, i) => value !== (i % 16 === 0 ? i * 2 : i));
        expect(wrong).toBe(-1);
        expect(mirror.stats.evictions).toBeGreaterThan(0);
        expect(mirror.stats.writeBacks).toBeGreaterThan(0);
      }, 30_000);
    }
  }

  it('writes dirty pages back only', async () => {
    await using rig = await createRig({ frames: 4 });
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 16 * PAGE });
    await space.write(address, pattern(16 * PAGE));
    for (let page = 0; page < 16; page++) await mirror.read(address + page * PAGE, 4);
    expect([mirror.stats.evictions, mirror.stats.bytesOut]).toEqual([12, 0]);
    for (let page = 0; page < 16; page++) await mirror.fill(address + page * PAGE, 1, 1);
    expect(mirror.stats.writeBacks).toBe(12);
    for (let page = 0; page < 8; page++) await mirror.read(address + page * PAGE, 4);
    expect(mirror.stats.bytesOut).toBe(16 * PAGE);
  });

  it('evicts as a policy of one’s own says', async () => {
    const asked: number[] = [];
    class Counting extends FifoEviction {
      override victims(out: Uint32Array, count: number, blocked: Uint8Array): number {
        asked.push(count);
        return super.victims(out, count, blocked);
      }
    }
    await using rig = await createRig({ frames: 4, attach: { eviction: (capacity) => new Counting(capacity) } });
    const { address } = rig.space.map({ bytes: 8 * PAGE });
    for (let page = 0; page < 8; page++) await rig.mirror.read(address + page * PAGE, 1);
    expect(asked).toEqual([1, 1, 1, 1]);
  });

  it('gives up whole units, and the frames that nobody took are free again', async () => {
    await using rig = await createRig({ frames: 20, attach: { eviction: 'lru-64k' } });
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 32 * PAGE, address: 2 ** 30, fixed: true });
    await space.write(address, pattern(32 * PAGE));
    await mirror.fill(address, 18 * PAGE, 7);
    await mirror.fill(address + 18 * PAGE, 2 * PAGE, 7);
    expect(mirror.stats.evictions).toBe(0);
    // Pages 0 … 15 are the unit accessed least recently; one frame of theirs is taken, fifteen are free.
    await mirror.fill(address + 20 * PAGE, PAGE, 7);
    expect(mirror.stats.evictions).toBe(16);
    expect(mirror.residency(address, 32 * PAGE).filter((state) => state > 1).length).toBe(5);
    await mirror.fill(address + 21 * PAGE, 11 * PAGE, 7);
    expect(mirror.stats.evictions).toBe(16);
    expect(await space.read(address, 32 * PAGE)).toEqual(new Uint8Array(32 * PAGE).fill(7));
  });

  it('tells its policy which pages come and go by numbers that stay theirs, and which frames are dirty', async () => {
    const filled: number[] = [];
    const coming: number[] = [];
    const dirty: number[][] = [];
    class Watching extends FifoEviction {
      override insert(ids: Uint32Array, count: number, pages?: Float64Array): void {
        filled.push(...pages!.subarray(0, count));
        super.insert(ids, count);
      }
      override victims(out: Uint32Array, count: number, flags: Uint8Array, pages?: Float64Array): number {
        coming.push(...pages!.subarray(0, count));
        dirty.push([...flags].map((flag) => Number((flag & FRAME_DIRTY) !== 0)));
        return super.victims(out, count, flags);
      }
    }
    await using rig = await createRig({ frames: 2, attach: { eviction: (capacity) => new Watching(capacity) } });
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 4 * PAGE });
    await space.write(address, pattern(4 * PAGE));
    await mirror.read(address, 1);
    await mirror.fill(address + PAGE, 1, 1);
    await mirror.read(address + 2 * PAGE, 1);
    // The CPU reads it: its copy on the device is clean from now on.
    await space.read(address + PAGE, 1);
    await mirror.read(address, 1);
    await mirror.read(address + PAGE, 1);
    const base = filled[0]!;
    expect(filled.map((page) => page - base)).toEqual([0, 1, 2, 0, 1]);
    expect(coming.map((page) => page - base)).toEqual([2, 0, 1]);
    expect(dirty).toEqual([
      [0, 1],
      [0, 0],
      [0, 0],
    ]);
  });

  it('keeps recently used pages with lru, and the oldest out with fifo', async () => {
    for (const [eviction, stays] of [
      ['lru', true],
      ['fifo', false],
    ] as const) {
      await using rig = await createRig({ frames: 4, attach: { eviction } });
      const { space, mirror } = rig;
      const { address } = space.map({ bytes: 8 * PAGE });
      for (let page = 0; page < 4; page++) await mirror.read(address + page * PAGE, 1);
      // The page is harvested as accessed, which is what makes it recent.
      await mirror.harvest(address, 4 * PAGE);
      await mirror.read(address, 1);
      await mirror.harvest(address, PAGE);
      await mirror.read(address + 4 * PAGE, 1);
      expect(mirror.residency(address, PAGE)[0]! > 1).toBe(stays);
    }
  });
});

describe('units that need more than fits together', () => {
  for (const eviction of EVICTIONS) {
    it(`finish: 192 pages, 3 a unit, 66 frames, ${eviction}`, async () => {
      await using rig = await createRig({ frames: 66, attach: { eviction }, device: { residentUnits: 64 } });
      const { space, mirror } = rig;
      const { address } = space.map({ bytes: 192 * PAGE });
      await mirror.launch(touchPages, { args: [address, 3, PAGE], grid: [64] }).wait();
      const bytes = await space.read(address, 192 * PAGE);
      const words = new Uint32Array(bytes.buffer);
      for (let page = 0; page < 192; page++) expect(words[page * 1024]).toBe(Math.floor(page / 3) + 1);
    }, 20_000);
  }

  it('finish when a unit needs every frame there is', async () => {
    await using rig = await createRig({ frames: 3 });
    const { address } = rig.space.map({ bytes: 48 * PAGE });
    await rig.mirror.launch(touchPages, { args: [address, 3, PAGE], grid: [16] }).wait();
    const words = new Uint32Array((await rig.space.read(address, 48 * PAGE)).buffer);
    for (let page = 0; page < 48; page++) expect(words[page * 1024]).toBe(Math.floor(page / 3) + 1);
  }, 20_000);

  it('fail with OUT_OF_DEVICE_MEMORY, and name it, when one alone needs more', async () => {
    await using rig = await createRig({ frames: 2 });
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 48 * PAGE });
    const fence = mirror.launch(touchPages, { args: [address, 3, PAGE], grid: [4] });
    const error = await expectCode(fence.wait(), 'OUT_OF_DEVICE_MEMORY');
    expect(error.device).toBe(rig.device.info.name);
    expect(error.address).toBeGreaterThanOrEqual(address);
    await mirror.write(address, pattern(PAGE));
    expect(await space.read(address, PAGE)).toEqual(pattern(PAGE));
  }, 20_000);

  it('finish on one device for two spaces', async () => {
    const device = validate(await memory.open({ memory: 8 * PAGE, pageSizes: [PAGE] }));
    const spaces = [await createSpace(), await createSpace()];
    const runs = spaces.map(async (space) => {
      const mirror = await space.attach(device);
      const { address } = space.map({ bytes: 24 * PAGE });
      await mirror.launch(touchPages, { args: [address, 3, PAGE], grid: [8] }).wait();
      const words = new Uint32Array((await space.read(address, 24 * PAGE)).buffer);
      for (let page = 0; page < 24; page++) expect(words[page * 1024]).toBe(Math.floor(page / 3) + 1);
      await space.close();
    });
    await Promise.all(runs);
    await device.close();
    expect(device.violations).toEqual([]);
  }, 20_000);
});
