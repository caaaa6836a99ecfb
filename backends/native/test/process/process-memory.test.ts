import { createSpace } from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';
import { expect, it } from 'vitest';
import { addon, processMemory } from '../../src/index.js';
import { mappedRanges } from '../../src/process/mapped-ranges.js';

const PAGE = addon().pageSize;
const error = (code: string) => expect.objectContaining({ code }) as Error;

it('shows plain memory of the process at its own addresses', async () => {
  await using space = await createSpace({ host: processMemory() });
  const region = space.map({ bytes: 8 * PAGE });
  const bytes = region.array(Uint8Array);
  expect(mappedRanges.find(region.address)).toMatchObject({ offset: 0, bytes: 8 * PAGE });
  expect(mappedRanges.find(region.address + 8 * PAGE - 1)?.offset).toBe(8 * PAGE - 1);
  bytes[PAGE + 1] = 7;
  expect((await space.read(region.address + PAGE, 3))[1]).toBe(7);
  await space.write(region.address + 3 * PAGE, Uint8Array.of(9));
  expect(bytes[3 * PAGE]).toBe(9);
  const held = await space.acquire(region.address, 8 * PAGE, 'write');
  held.bytes[5 * PAGE] = 4;
  expect(bytes[5 * PAGE]).toBe(4);
  held.release();
  const { address } = region;
  await region.unmap();
  expect(bytes.length).toBe(0);
  expect(mappedRanges.find(address)).toBeUndefined();
});

it('has other regions in memory of its own, and counts both', async () => {
  const host = processMemory({ limit: 4 * PAGE });
  await using space = await createSpace({ host });
  const held = space.map({ bytes: 3 * PAGE, share: 'private' });
  const live = space.map({ bytes: 3 * PAGE });
  await space.write(held.address, new Uint8Array(2 * PAGE).fill(1));
  await space.write(live.address, new Uint8Array(2 * PAGE).fill(2));
  expect(host.used).toBe(4);
  await expect(space.write(live.address + 2 * PAGE, Uint8Array.of(1))).rejects.toThrow(error('OUT_OF_HOST_MEMORY'));
  await held.unmap();
  await space.write(live.address + 2 * PAGE, Uint8Array.of(1));
  expect((await space.read(live.address, 1))[0]).toBe(2);
  await live.unmap();
  expect(host.used).toBe(0);
});

it('is for no device whose page table core fills', async () => {
  await using space = await createSpace({ host: processMemory() });
  const device = await memory.open();
  await expect(space.attach(device)).rejects.toThrow(error('UNSUPPORTED'));
  await device.close();
});

it('refuses bad options', () => {
  expect(() => processMemory(5 as never)).toThrow(TypeError);
  expect(() => processMemory({ limit: '1' as never })).toThrow(TypeError);
  for (const limit of [0, -1, NaN, PAGE - 1]) expect(() => processMemory({ limit })).toThrow(RangeError);
});
