import { createSpace, type JsProgram, validate } from '@mirrorspace/core';
import { expect, test } from 'vitest';
import { plain } from '../src/index.js';

const PAGE = 4096;

test('a device of four pages serves sixteen, and what it wrote comes home', async () => {
  const device = validate(await plain.open({ memory: 4 * PAGE }));
  const space = await createSpace();
  const mirror = await space.attach(device, { prefetch: 'none' });
  const region = space.map({ bytes: 16 * PAGE });
  for (let page = 0; page < 16; page++) await space.write(region.address + page * PAGE, Uint8Array.of(page));
  for (let page = 0; page < 16; page++) {
    expect(await mirror.read(region.address + page * PAGE, 2)).toEqual(Uint8Array.of(page, 0));
    await mirror.fill(region.address + page * PAGE + 1, 1, 100 + page);
  }
  for (let page = 0; page < 16; page++) {
    expect(await space.read(region.address + page * PAGE, 3)).toEqual(Uint8Array.of(page, 100 + page, 0));
  }
  // A page that was read first faults again for the right to write; each leaves dirty to make room for another.
  expect(mirror.stats).toMatchObject({ faults: 32, pagesIn: 16, pagesOut: 16, evictions: 12, writeBacks: 12 });
  await space.close();
  await device.close();
});

test('an access longer than the memory of the device goes through it page by page', async () => {
  const device = validate(await plain.open({ memory: 2 * PAGE }));
  const space = await createSpace();
  const mirror = await space.attach(device);
  const region = space.map({ bytes: 9 * PAGE });
  const bytes = Uint8Array.from({ length: 9 * PAGE - 20 }, (_, i) => (i * 31) >>> 3);
  await mirror.write(region.address + 10, bytes);
  expect(Buffer.compare(await mirror.read(region.address + 10, bytes.length), bytes)).toBe(0);
  expect(Buffer.compare(await space.read(region.address + 10, bytes.length), bytes)).toBe(0);
  await space.close();
  await device.close();
});

test('what is not claimed is refused', async () => {
  const device = await plain.open();
  const space = await createSpace();
  const mirror = await space.attach(device);
  const region = space.map({ bytes: PAGE });
  const program: JsProgram = { language: 'js', run: () => undefined };
  expect(() => mirror.launch(program)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
  await expect(mirror.atomicAdd(region.address, 1)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  await space.close();
  await device.close();
});

test.each([0, 4095, 4096.5, NaN, Infinity])('no device is opened with %d bytes of memory', async (memory) => {
  await expect(plain.open({ memory })).rejects.toThrow(RangeError);
});
