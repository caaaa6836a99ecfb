import { recordTrace, type TraceEvent } from '@mirrorspace/core';
import { expect, it } from 'vitest';
import { createRig, PAGE, pattern } from '../space/helpers.js';

it('tells what the fault service does, with pages, times and places', async () => {
  await using rig = await createRig({ frames: 4, device: { latency: { command: 3 } } });
  const { space, mirror, device } = rig;
  const { address } = space.map({ bytes: 16 * PAGE });
  await space.write(address, pattern(16 * PAGE));
  const recording = recordTrace(space.trace);
  for (let page = 0; page < 16; page++) await mirror.fill(address + page * PAGE, 4, 1);
  recording.stop();
  await mirror.read(address, 4);
  const { events } = recording;
  const of = (type: TraceEvent['type']) => events.filter((event) => event.type === type);
  const pages = (type: TraceEvent['type']) =>
    of(type).reduce((sum, event) => sum + ('count' in event ? event.count : 1), 0);
  expect([pages('fault'), pages('batch'), pages('map')]).toEqual([16, 16, 16]);
  expect([pages('unmap'), pages('flush')]).toEqual([12, 12]);
  expect(of('replay')).toHaveLength(16);
  const copies = of('copy').map((event) => (event.type === 'copy' ? [event.direction, event.bytes] : []));
  expect(copies.filter(([direction]) => direction === 'in')).toEqual(Array.from({ length: 16 }, () => ['in', PAGE]));
  expect(copies.filter(([direction]) => direction === 'out')).toEqual(Array.from({ length: 12 }, () => ['out', PAGE]));
  for (const event of events) expect([event.device, event.space ?? space.id]).toEqual([device.info.name, space.id]);
  const times = events.map((event) => event.time);
  expect(times.every((time) => time >= 0 && time <= device.now())).toBe(true);
  expect(of('map').every((event) => event.duration! > 0)).toBe(true);
});

it('counts and reports as copied only what the device wrote', async () => {
  await using rig = await createRig({ frames: 4 });
  const { space, mirror } = rig;
  const { address } = space.map({ bytes: 8 * PAGE });
  await space.write(address, pattern(8 * PAGE));
  const recording = recordTrace(space.trace);
  await mirror.fill(address, 4, 1);
  for (let page = 1; page < 8; page++) await mirror.read(address + page * PAGE, 4);
  recording.stop();
  const out = recording.events.filter((event) => event.type === 'copy' && event.direction === 'out');
  expect(out.map((event) => event.type === 'copy' && event.bytes)).toEqual([PAGE]);
  expect(space.trace.counters.total()).toMatchObject({ pagesOut: 1, bytesOut: PAGE });
  await mirror.fill(address + 7 * PAGE, 4, 1);
  await space.read(address + 7 * PAGE, 4);
  expect(space.trace.counters.total()).toMatchObject({ pagesOut: 2, bytesOut: 2 * PAGE });
});

it('tells a device that was closed from one that failed', async () => {
  await using rig = await createRig({ frames: 4 });
  const { space, mirror, device } = rig;
  const recording = recordTrace(space.trace);
  await device.close();
  await mirror.lost;
  recording.stop();
  expect(recording.events.map((event) => event.type === 'lost' && event.reason)).toEqual(['closed']);
});
