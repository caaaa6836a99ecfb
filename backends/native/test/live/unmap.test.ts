import { expect, it, vi } from 'vitest';
import { openRig, PAGE, WORDS } from './rig.js';

const PAGES = 1024;

it('a range goes in one step, with all its pages', async () => {
  await using rig = await openRig(PAGES / 2);
  const free = vi.spyOn(rig.host.live, 'free');
  const region = rig.space.map({ bytes: PAGES * PAGE });
  const words = region.array(Uint32Array);
  for (let page = 0; page < PAGES; page++) words[page * WORDS] = page;
  (await region.acquire('read')).release();
  expect(rig.host.used).toBe(PAGES);
  await region.unmap();
  expect([free.mock.calls.length, rig.host.used, words.length]).toEqual([0, 0, 0]);
  free.mockRestore();
});

it('what devices and holds leave of it goes together, and they keep only what is theirs', async () => {
  await using rig = await openRig(PAGES / 2);
  const region = rig.space.map({ bytes: PAGES * PAGE });
  const words = region.array(Uint32Array);
  for (let page = 0; page < PAGES; page++) words[page * WORDS] = page;
  (await region.acquire('read')).release();
  await rig.mirror.prefetch(region.address, 256 * PAGE);
  const held = await region.acquire('read', { offset: 300 * PAGE, bytes: 2 * PAGE });
  const shown = held.as(Uint32Array);
  const free = vi.spyOn(rig.host.live, 'free');
  await region.unmap();
  expect(rig.host.used).toBe(2);
  // Those that nobody has, and those of the device; not one by one.
  expect(free.mock.calls.length).toBeLessThanOrEqual(3);
  expect([shown[0], shown[WORDS]]).toEqual([300, 301]);
  held.release();
  expect(rig.host.used).toBe(0);
  free.mockRestore();
});
