import { TYPICAL_LATENCY } from '@mirrorspace/memory';
import { expect, test } from 'vitest';
import { validate } from '../../src/validate/index.js';
import { dirtyPages, homeWord, Pager } from './pager.js';
import type { Device } from '../../src/driver/index.js';
import { copy, createRig, flush, like, map, read, rules, submitting, touch, unmap } from './rig.js';

const PAGES = 40;
const UNITS = 60;

test.each([
  { name: 'zero latency', latency: 'zero' as const, deep: false },
  { name: 'zero latency, deep', latency: 'zero' as const, deep: true },
  { name: 'simulated time', latency: TYPICAL_LATENCY, deep: false },
  { name: 'simulated time, deep', latency: TYPICAL_LATENCY, deep: true },
])('a correct pager on a correct device breaks nothing: $name', async ({ latency, deep }) => {
  for (let seed = 1; seed <= 5; seed++) {
    const rig = await createRig({ deep, memory: { latency, seed, residentUnits: 8, faultBuffer: 8 } });
    const pager = new Pager(rig, 12);
    for (let launch = 0; launch < 3; launch++) {
      const work = rig.user.submit([
        { kind: 'launch', mmu: rig.mmu.id, program: touch, grid: [UNITS, 1, 1], args: [launch, PAGES] },
      ]);
      await pager.serve(work);
      if (launch === 1) await pager.evictAll();
    }
    expect((await dirtyPages(rig, [...pager.resident.keys()])).length).toBeGreaterThan(0);
    // Harvested pages count as clean now: take them home as they are.
    const resident = [...pager.resident];
    const frames = resident.map(([, frame]) => frame);
    const pages = resident.map(([page]) => page);
    await rig.paging.submit([unmap(rig.mmu, pages), flush(rig.mmu), copy('copyOut', rig.host, pages, frames)]).wait();
    let sum = 0;
    for (let page = 0; page < PAGES; page++) sum += homeWord(rig, page);
    expect(sum).toBe(3 * UNITS);
    expect(rules(rig)).toEqual([]);
    await rig.device.close();
    expect(rules(rig)).toEqual([]);
  }
});

test('one device has one wrapper, and a wrapper is its own', async () => {
  const rig = await createRig();
  expect(validate(rig.device)).toBe(rig.device);
  expect(validate(rig.device.inner)).toBe(rig.device);
});

test('hands through what it does not check', async () => {
  const rig = await createRig();
  const { device } = rig;
  expect([device.info, device.limits, device.features]).toEqual([
    device.inner.info,
    device.inner.limits,
    device.inner.features,
  ]);
  expect(device.faults.capacity).toBe(device.inner.faults.capacity);
  expect(device.queues.map((queue) => [queue.id, queue.paging, queue.priority])).toEqual(
    device.inner.queues.map((queue) => [queue.id, queue.paging, queue.priority]),
  );
  const fence = rig.paging.submit([map(rig.mmu, [1], [1])]);
  expect([fence.queue, fence.value]).toEqual([rig.paging.id, 1]);
  await fence.wait();
  expect(rig.paging.depth).toBe(0);
});

test('deep mode does not show its own submissions', async () => {
  const rig = await createRig({ deep: true, memory: { latency: TYPICAL_LATENCY } });
  rig.paging.submit([map(rig.mmu, [1], [1])]);
  rig.paging.submit([unmap(rig.mmu, [1]), { kind: 'flushTlb', mmu: rig.mmu.id }]);
  const third = rig.paging.submit([map(rig.mmu, [2], [1])]);
  expect(third.value).toBe(3);
  expect(rig.paging.depth).toBe(3);
  await third.wait();
  expect(rig.paging.depth).toBe(0);
  await rig.device.close();
  expect(rules(rig)).toEqual([]);
});

test('discarded frames may change as they like', async () => {
  const junk = new Uint8Array(4096);
  const host = { pageSize: 4096, bufferOf: () => junk.fill(junk[0]! + 1), offsetOf: () => 0 };
  let discarded = false;
  // Until it is used again, the frame reads differently each time.
  const restless = (inner: Device) =>
    submitting(inner, (queue, commands, options) => {
      const [first] = commands;
      const changes = discarded && first?.kind === 'copyOut' ? [copy('copyIn', host, [0], [1])] : [];
      if (commands.some((command) => command.kind === 'discard')) discarded = true;
      if (first?.kind === 'map') discarded = false;
      return queue.submit([...changes, ...commands], options);
    });
  const rig = await createRig({ deep: true, break: restless, memory: { latency: TYPICAL_LATENCY } });
  const discard = { kind: 'discard' as const, pageSize: 4096, count: 1, frames: Uint32Array.of(1) };
  rig.paging.submit([map(rig.mmu, [1], [1])]);
  rig.paging.submit([unmap(rig.mmu, [1]), flush(rig.mmu), discard]);
  rig.paging.submit([map(rig.mmu, [2], [1])]);
  rig.paging.submit([unmap(rig.mmu, [2]), flush(rig.mmu)]);
  await rig.paging.submit([discard]).wait();
  await rig.paging.submit([map(rig.mmu, [3], [1])]).wait();
  const out = rig.user.submit([copy('copyOut', rig.host, [0], [2])]);
  const other = { ...discard, frames: Uint32Array.of(2) };
  expect(() => rig.paging.submit([other])).toThrow(expect.objectContaining({ rule: 'R7' }));
  await rig.paging.submit([other], { after: [out] }).wait();
  await rig.device.close();
  expect(rules(rig)).toEqual([]);
});

test('losing or closing the device with work under way breaks nothing', async () => {
  const rig = await createRig({
    memory: { latency: TYPICAL_LATENCY, faults: [{ do: 'lose', at: { nth: 2, kind: 'map' } }] },
  });
  const stalled = rig.user.submit([read(rig.mmu, 9)]);
  const first = rig.paging.submit([map(rig.mmu, [1], [1])]);
  const second = rig.paging.submit([map(rig.mmu, [2], [2])], { after: [first] });
  await first.wait();
  await expect(second.wait()).rejects.toMatchObject({ code: 'DEVICE_LOST' });
  await expect(stalled.wait()).rejects.toMatchObject({ code: 'DEVICE_LOST' });
  expect((await rig.device.lost).reason).toBe('failed');
  // Whatever is submitted now fails; what it would do no longer matters.
  const late = rig.paging.submit([map(rig.mmu, [3], [2])]);
  await expect(late.wait()).rejects.toMatchObject({ code: 'DEVICE_LOST' });
  await rig.mmu.close();
  await rig.device.close();
  expect(rules(rig)).toEqual([]);
});

test('a device without optional features breaks nothing', async () => {
  const rig = await createRig({ memory: { features: [] } });
  await rig.paging.submit([map(rig.mmu, [1], [1])]).wait();
  const bits = new Uint8Array(1);
  await rig.user.submit([read(rig.mmu, 1)]).wait();
  await expect(rig.user.submit([read(rig.mmu, 2)]).wait()).rejects.toMatchObject({ code: 'ADDRESS_NOT_MAPPED' });
  await rig.paging.submit([unmap(rig.mmu, [1], bits)]).wait();
  expect(() =>
    rig.user.submit([{ kind: 'atomicAdd', mmu: rig.mmu.id, address: 0, value: 1, previous: new Uint32Array(1) }]),
  ).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
  expect(rules(rig)).toEqual([]);
});

test('violations that nobody listens to are thrown by the next submit, once', async () => {
  const rig = await createRig();
  let now = 0;
  const device = validate(like(rig.device.inner, { now: () => now-- }));
  const [queue] = device.queues.filter((one) => one.paging);
  device.now();
  device.now();
  device.now();
  expect(device.violations).toHaveLength(2);
  const failing = () => queue?.submit([]);
  expect(failing).toThrow('1 more, see cause');
  await queue?.submit([]).wait();
  device.now();
  await expect(device.close()).rejects.toMatchObject({ rule: 'counter' });
});
