import type { JsProgram } from '@mirrorspace/core';
import { expect, it } from 'vitest';
import { openRig, PAGE, WORDS } from './rig.js';

const store: JsProgram = { language: 'js', run: (ctx, _id, args) => void ctx.store32(args[0]!, 9) };
const load: JsProgram = { language: 'js', run: (ctx, _id, args) => void ctx.load32(args[0]!) };

it('a copy that is to be made anew while a device refuses pages for want of memory is made later', async () => {
  await using rig = await openRig(8, { faults: [{ do: 'outOfMemory', at: { nth: 2, kind: 'copyIn' } }] });
  const { space, mirror } = rig;
  const region = space.map({ bytes: 4 * PAGE });
  const words = region.array(Uint32Array);
  await mirror.read(region.address, 4);
  const launched = mirror.launch(load, { args: [region.address + PAGE] });
  words[0] = 5;
  // What it finds out nobody else hears of.
  expect(space.written(region.address, PAGE)).toHaveLength(1);
  await expect(launched.wait()).rejects.toThrow(expect.objectContaining({ code: 'OUT_OF_DEVICE_MEMORY' }));
  expect(await mirror.read(region.address, 1)).toEqual(Uint8Array.of(5));
  words[2 * WORDS] = 6;
  expect(await mirror.read(region.address + 2 * PAGE, 1)).toEqual(Uint8Array.of(6));
});

it('a page that a device may not own for want of memory stays for whoever else has it there', async () => {
  await using rig = await openRig(2, { faults: [{ do: 'outOfMemory', at: { nth: 2, kind: 'copyIn' } }] });
  const { space, mirror } = rig;
  const region = space.map({ bytes: 4 * PAGE });
  const words = region.array(Uint32Array);
  await using child = await space.fork();
  const other = await child.attach(mirror.device, { prefetch: 'none' });
  for (const each of [mirror, other]) await each.read(region.address, 4);
  words[WORDS] = 8;
  const launched = mirror.launch(store, { args: [region.address + 4] });
  words[0] = 7;
  await expect(launched.wait()).rejects.toThrow(expect.objectContaining({ code: 'OUT_OF_DEVICE_MEMORY' }));
  expect(await mirror.read(region.address + PAGE, 1)).toEqual(Uint8Array.of(8));
  expect(await other.read(region.address, 1)).toEqual(Uint8Array.of(7));
  expect(await mirror.read(region.address, 1)).toEqual(Uint8Array.of(7));
  expect(Array.from(words.subarray(0, 2))).toEqual([7, 0]);
});
