import { memorySwap, RESIDENT_DEVICE, RESIDENT_HOST, RESIDENT_WRITABLE } from '@mirrorspace/core';
import { TYPICAL_LATENCY } from '@mirrorspace/memory';
import { describe, expect, it } from 'vitest';
import { createRig, expectBytes, expectCode, openDevice, PAGE, pattern, settle, TestSource } from '../space/helpers.js';
import { double } from './helpers.js';

const BOTH = RESIDENT_HOST | RESIDENT_DEVICE;
const OWNER = RESIDENT_DEVICE | RESIDENT_WRITABLE;

describe('prefetch', () => {
  it('brings pages before anyone faults on them', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const source = new TestSource(pattern(16 * PAGE));
    const { address } = space.map({ bytes: 16 * PAGE, source });
    expect(await mirror.prefetch(address, 16 * PAGE)).toBe(16);
    expect(mirror.stats.faults).toBe(0);
    expect(await mirror.read(address, 16 * PAGE)).toEqual(pattern(16 * PAGE));
    expect([mirror.stats.faults, mirror.stats.prefetched]).toEqual([0, 16]);
    expect(await mirror.prefetch(address, 16 * PAGE)).toBe(0);
  });

  it('for writing makes the device the owner', async () => {
    await using rig = await createRig();
    const { address } = rig.space.map({ bytes: 4 * PAGE });
    expect(await rig.mirror.prefetch(address, 4 * PAGE, { access: 'write' })).toBe(4);
    await rig.mirror.fill(address, 4 * PAGE, 5);
    expect(rig.mirror.stats.faults).toBe(0);
    expect([...rig.mirror.residency(address, 4 * PAGE)]).toEqual([OWNER, OWNER, OWNER, OWNER]);
  });

  it('for writing copies nothing that only a store may copy', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const source = new TestSource(pattern(2 * PAGE));
    const shared = space.map({ bytes: 2 * PAGE, source, share: 'shared' }).address;
    const own = space.map({ bytes: 2 * PAGE, source }).address;
    await space.read(shared, 2 * PAGE);
    await mirror.prefetch(own, 2 * PAGE, { access: 'write' });
    await space.write(shared, pattern(8, 2));
    expect(await mirror.read(own, 8)).toEqual(pattern(8, 2));
    expect(await space.read(own, 8)).toEqual(pattern(8, 2));
    await mirror.write(own, pattern(8, 3));
    expect(await space.read(shared, 8)).toEqual(pattern(8, 2));
  });

  it('brings no more than fits, and reports progress', async () => {
    await using rig = await createRig({ frames: 1500 });
    const { address } = rig.space.map({ bytes: 4096 * PAGE });
    const progress: [number, number][] = [];
    const brought = await rig.mirror.prefetch(address, 2500 * PAGE, {
      onProgress: (done, total) => progress.push([done, total]),
    });
    expect([brought, rig.mirror.stats.evictions]).toEqual([1500, 0]);
    expect(progress[0]).toEqual([1024, 2500]);
    expect(progress.every(([, total]) => total === 2500)).toBe(true);
  });

  it('ends with ABORTED between two chunks; what was brought stays', async () => {
    await using rig = await createRig({ frames: 4096 });
    const { address } = rig.space.map({ bytes: 4096 * PAGE });
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    await expectCode(rig.mirror.prefetch(address, 4096 * PAGE, { signal: controller.signal, onProgress }), 'ABORTED');
    expect(rig.mirror.residency(address, 4096 * PAGE).filter((bits) => bits !== 0)).toHaveLength(1024);
  });

  it('fails for what is not mapped and leaves what is held', async () => {
    await using rig = await createRig();
    const region = rig.space.map({ bytes: 4 * PAGE, address: 0x4000_0000, fixed: true });
    await expectCode(rig.mirror.prefetch(region.address, 5 * PAGE), 'ADDRESS_NOT_MAPPED');
    using _held = await region.acquire('write', { offset: PAGE, bytes: 1 });
    await rig.mirror.prefetch(region.address, 4 * PAGE);
    expect([...rig.mirror.residency(region.address, 4 * PAGE)].map((bits) => bits & RESIDENT_DEVICE)).toEqual([
      2, 0, 2, 2,
    ]);
  });

  it('by policy: none brings what faults, next and tree bring more', async () => {
    const faults: Record<string, number> = {};
    for (const prefetch of ['none', 'next', 'tree'] as const) {
      await using rig = await createRig({ frames: 256, attach: { prefetch } });
      const { address } = rig.space.map({ bytes: 128 * PAGE });
      await rig.space.write(address, pattern(128 * PAGE));
      for (let page = 0; page < 128; page++) await rig.mirror.read(address + page * PAGE, 1);
      faults[prefetch] = rig.mirror.stats.faults;
      expect(rig.mirror.stats.faults + rig.mirror.stats.prefetched).toBeGreaterThanOrEqual(128);
    }
    expect(faults['none']).toBe(128);
    expect(faults['next']).toBeLessThan(70);
    expect(faults['tree']).toBeLessThan(70);
  });
});

describe('declared ranges of a launch', () => {
  it('are there before it starts', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 8 * PAGE });
    await space.write(address, pattern(8 * PAGE));
    const before = new Uint32Array((await space.read(address, 8 * PAGE)).buffer);
    await mirror.launch(double, { args: [address, PAGE], grid: [8], writes: [[address, 8 * PAGE]] }).wait();
    expect(mirror.stats.faults).toBe(0);
    const after = new Uint32Array((await space.read(address, 8 * PAGE)).buffer);
    for (let page = 0; page < 8; page++) expect(after[page * 1024]).toBe((before[page * 1024]! * 2) >>> 0);
  });
});

describe('migrate and exclusive', () => {
  it('move pages to the device and home', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 4 * PAGE });
    await space.write(address, pattern(4 * PAGE));
    expect(await mirror.migrate(address, 4 * PAGE, 'device')).toBe(4);
    expect([...mirror.residency(address, 4 * PAGE)]).toEqual([OWNER, OWNER, OWNER, OWNER]);
    await mirror.fill(address, PAGE, 9);
    expect(await mirror.migrate(address, 4 * PAGE, 'host')).toBe(4);
    expect([...mirror.residency(address, 4 * PAGE)]).toEqual([1, 1, 1, 1]);
    expect(await space.read(address, 2 * PAGE)).toEqual(
      Uint8Array.of(...new Uint8Array(PAGE).fill(9), ...pattern(4 * PAGE).subarray(PAGE, 2 * PAGE)),
    );
    expect(await mirror.migrate(address, 4 * PAGE, 'host')).toBe(0);
  });

  it('make the device the one owner until somebody else touches the page', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 2 * PAGE });
    await mirror.read(address, 4);
    expect(await mirror.exclusive(address, 2 * PAGE)).toBe(2);
    await mirror.atomicAdd(address, 5);
    expect([...(await space.read(address, 4))]).toEqual([5, 0, 0, 0]);
    expect(mirror.residency(address, PAGE)[0]).toBe(BOTH);
  });
});

describe('pin', () => {
  it('holds what the device has already while host memory has room for two pages only', async () => {
    await using rig = await createRig({
      frames: 6,
      space: { reclaim: { budget: 2 * PAGE, swap: memorySwap(16 * PAGE) } },
    });
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 5 * PAGE });
    for (let page = 0; page < 5; page++) await space.write(address + page * PAGE, Uint8Array.of(page + 1));
    await mirror.read(address, PAGE);
    await space.advise(address, 5 * PAGE, { pin: mirror });
    for (let page = 0; page < 5; page++) expect((await mirror.read(address + page * PAGE, 1))[0]).toBe(page + 1);
  });

  it('keeps pages on the device while others come and go', async () => {
    await using rig = await createRig({ frames: 8 });
    const { space, mirror } = rig;
    const pinned = space.map({ bytes: 4 * PAGE });
    const { address } = space.map({ bytes: 32 * PAGE });
    await space.advise(pinned.address, 4 * PAGE, { pin: mirror });
    for (let page = 0; page < 32; page++) await mirror.read(address + page * PAGE, 1);
    expect([...mirror.residency(pinned.address, 4 * PAGE)]).toEqual([BOTH, BOTH, BOTH, BOTH]);
    await space.advise(pinned.address, 4 * PAGE, { pin: null });
    for (let page = 0; page < 32; page++) await mirror.read(address + page * PAGE, 1);
    expect([...mirror.residency(pinned.address, 4 * PAGE)]).toEqual([1, 1, 1, 1]);
  });

  it.each([0, 1, 2, 4, 8])('is in force for pages that were on their way home (%i turns)', async (turns) => {
    await using rig = await createRig({ frames: 8, device: { latency: TYPICAL_LATENCY, seed: 1 } });
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 4 * PAGE });
    await mirror.write(address, pattern(4 * PAGE));
    const leaving = mirror.migrate(address, 2 * PAGE, 'host');
    for (let i = 0; i < turns; i++) await Promise.resolve();
    await space.advise(address, 4 * PAGE, { pin: mirror });
    await leaving;
    const others = space.map({ bytes: 32 * PAGE }).address;
    for (let page = 0; page < 32; page++) await mirror.read(others + page * PAGE, 1);
    expect([...mirror.residency(address, 4 * PAGE)].every((bits) => (bits & RESIDENT_DEVICE) !== 0)).toBe(true);
    expectBytes(await mirror.read(address, 4 * PAGE), pattern(4 * PAGE));
  });

  it('brings the pages back after the CPU had them', async () => {
    await using rig = await createRig({ frames: 8 });
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 2 * PAGE });
    await space.advise(address, 2 * PAGE, { pin: mirror });
    await space.write(address, pattern(2 * PAGE));
    await settle();
    expect([...mirror.residency(address, 2 * PAGE)]).toEqual([BOTH, BOTH]);
  });

  it('that does not fit fails, and leaves no advice behind', async () => {
    await using rig = await createRig({ frames: 8 });
    const { space, mirror } = rig;
    const region = space.map({ bytes: 12 * PAGE });
    const error = await expectCode(space.advise(region.address, 12 * PAGE, { pin: mirror }), 'OUT_OF_DEVICE_MEMORY');
    expect(error.device).toBe(rig.device.info.name);
    expect(region.advice.pin ?? null).toBeNull();
    for (let page = 0; page < 12; page++) await mirror.read(region.address + page * PAGE, 1);
    const other = await openDevice(8);
    const second = await space.attach(other, { prefetch: 'none' });
    await space.advise(region.address, 4 * PAGE, { pin: second });
    expect(second.residency(region.address, 4 * PAGE).every((bits) => (bits & RESIDENT_DEVICE) !== 0)).toBe(true);
    await second.detach();
    await other.close();
  });
});
