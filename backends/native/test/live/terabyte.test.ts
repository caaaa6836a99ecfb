import { createSpace, type JsProgram } from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';
import { expect, it, vi } from 'vitest';
import { nativeMemory } from '../../src/index.js';
import { PAGE } from './rig.js';

const TERABYTE = 2 ** 40;
const PAGES = TERABYTE / PAGE;
const TOUCHED = 3000;
const FRAMES = 512;
/** What core, host memory and mirror may keep of a scattered page: its block's share of the arrays by number, leaves, bits. */
const BYTES_A_PAGE = 4096;

/** Page numbers without a pattern; with the first and the last. */
const scattered = Array.from({ length: TOUCHED }, (_none, i) =>
  i === 1 ? PAGES - 1 : Math.floor(((i * 0.6180339887498949) % 1) * PAGES),
);

/** Adds 1 to the first word of a scattered page. */
const increment: JsProgram = {
  language: 'js',
  run(ctx, { x }, args) {
    const at = args[0]! + scattered[x]! * PAGE;
    ctx.store32(at, ctx.load32(at) + 1);
  },
};

it('a terabyte costs what is touched of it: memory, and what is asked about stores', async () => {
  const host = nativeMemory();
  await using space = await createSpace({ host });
  const device = await memory.open({ memory: FRAMES * PAGE });
  const mirror = await space.attach(device, { prefetch: 'none' });
  const before = { space: space.metadataBytes, mirror: mirror.metadataBytes };
  const collect = vi.spyOn(host.live, 'collect');
  const asked = () => collect.mock.calls.splice(0).reduce((sum, [, count]) => sum + count, 0);

  const region = space.map({ bytes: TERABYTE });
  const other = space.map({ bytes: TERABYTE });
  const word = (i: number) =>
    new Uint32Array(region.buffer({ offset: scattered[i]! * PAGE, bytes: PAGE, shared: true }) as SharedArrayBuffer);
  for (let i = 0; i < TOUCHED; i += 2) word(i)[0] = i;

  // Nothing is on the device: nobody is asked.
  await mirror.launch({ language: 'js', run: () => undefined }).wait();
  expect(asked()).toBe(0);

  await mirror.launch(increment, { args: [region.address], grid: [TOUCHED] }).wait();
  asked();
  await mirror.launch(increment, { args: [region.address], grid: [1] }).wait();
  // At most a block for each page that the device has, and one for the page that comes.
  expect(asked()).toBeLessThanOrEqual(64 * (FRAMES + 2));

  for (const i of [0, 1, 2, 3, TOUCHED - 2, TOUCHED - 1]) {
    const held = await region.acquire('read', { offset: scattered[i]! * PAGE, bytes: PAGE });
    held.release();
    expect(word(i)[0]).toBe((i % 2 === 0 ? i : 0) + 1 + Number(i === 0));
  }
  expect(host.used).toBe(TOUCHED);
  expect(space.metadataBytes - before.space).toBeLessThan(TOUCHED * BYTES_A_PAGE);
  expect(mirror.metadataBytes - before.mirror).toBeLessThan(TOUCHED * BYTES_A_PAGE);

  await Promise.all([region.unmap(), other.unmap()]);
  expect(host.used).toBe(0);
  await device.close();
});
