import { createSpace, type NotifierEventKind, validate } from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';
import { expect, test } from 'vitest';

const PAGE = 4096;

test('notifiers learn of moves with their owner, and of re-armed write tracking; devices keep what these do not touch', async () => {
  const device = validate(await memory.open({ memory: 64 * PAGE }));
  const space = await createSpace();
  const mirror = await space.attach(device);
  const region = space.map({ bytes: 8 * PAGE });
  const seen: [NotifierEventKind, unknown][] = [];
  space.notifiers.insert({
    start: region.start,
    end: region.end,
    invalidate: (event) => void seen.push([event.kind, event.owner]),
  });
  await space.write(region.address, new Uint8Array(8 * PAGE).fill(7));
  expect(await mirror.migrate(region.address, region.bytes, 'device')).toBe(8);
  expect(await mirror.exclusive(region.address, PAGE)).toBe(1);
  expect(space.written(region.address, region.bytes)).toEqual([{ start: region.start, end: region.end }]);
  expect(space.written(region.address, region.bytes)).toEqual([]);
  expect(seen).toEqual([
    ['migrate', mirror],
    ['exclusive', mirror],
    ['soft-dirty', undefined],
    ['soft-dirty', undefined],
  ]);
  expect(mirror.stats.invalidated).toBe(0);
  expect((await mirror.read(region.address, 1))[0]).toBe(7);
  expect(await mirror.migrate(region.address, region.bytes, 'host')).toBe(8);
  await space.close();
  await device.close();
});
