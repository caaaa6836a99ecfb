import { createSpace } from '@mirrorspace/core';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type * as load from '../../src/addon/load.js';
import { nativeFile, nativeMemory } from '../../src/index.js';

const PAGE = 4096;

const disk = vi.hoisted(() => ({ full: false }));
vi.mock('../../src/addon/load.js', async (original) => {
  const real = await original<typeof load>();
  const loaded = real.addon();
  const open = (path: string, writable?: boolean) => {
    const file = loaded.DiskFile.open(path, writable);
    const allocate = () => {
      if (disk.full) throw Object.assign(new Error('no room'), { code: 'ENOSPC' });
    };
    return Object.defineProperty(file, 'allocate', { value: allocate });
  };
  return { ...real, addon: () => ({ ...loaded, DiskFile: { open } }) };
});

it('a file stays as long as it was where the disk has no room for more', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mirrorspace-room-'));
  const path = join(folder, 'file');
  await writeFile(path, new Uint8Array(4 * PAGE).fill(7));
  const file = await nativeFile(path, { write: true });
  const space = await createSpace({ host: nativeMemory() });
  const region = space.map({ bytes: 4 * PAGE, source: file, share: 'shared' });
  await space.write(region.address, Uint8Array.of(9));
  disk.full = true;
  await expect(space.truncate(file, 8 * PAGE)).rejects.toThrow(expect.objectContaining({ code: 'IO' }));
  expect([file.size, (await readFile(path)).length]).toEqual([4 * PAGE, 4 * PAGE]);
  // What becomes shorter needs none.
  await space.truncate(file, 2 * PAGE);
  expect(file.size).toBe(2 * PAGE);
  expect(await space.read(region.address, 2)).toEqual(Uint8Array.of(9, 7));
  await space.close();
  await file.close();
  await rm(folder, { recursive: true });
});
