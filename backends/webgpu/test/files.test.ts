import { fstatSync, fsyncSync, ftruncateSync, openAsBlob, readSync, writeSync } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blobSource, fileSource } from '@mirrorspace/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { storeEvery, sumAndStoreOpfs, sumBlob, sumFile, writePlaces } from './file-paging.js';

const MIB = 2 ** 20;
/** The list of places and the sums: first touches of anonymous memory may not wait for room. */
const SLACK = MIB;

let folder: string;
let path: string;
let file: FileHandle;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mirrorspace-files-'));
  path = join(folder, 'file');
  file = await open(path, 'w+');
});
// Giving 2 GiB of the system's page cache back takes its time where everything runs at once.
afterEach(async () => {
  await file.close();
  await rm(folder, { recursive: true });
}, 60_000);

/** A sparse file with words at known places. */
async function makeFile(size: number, count: number): Promise<void> {
  await file.truncate(size);
  await writePlaces(size, count, (bytes, at) => file.write(bytes, 0, bytes.length, at));
}

/** Watches the memory of the process, which vitest gave to this file alone. */
function meter() {
  const before = process.memoryUsage();
  const most = { arrayBuffers: 0, rss: 0 };
  const sample = () => {
    const { arrayBuffers, rss } = process.memoryUsage();
    most.arrayBuffers = Math.max(most.arrayBuffers, arrayBuffers - before.arrayBuffers);
    most.rss = Math.max(most.rss, rss - before.rss);
  };
  return { sample, most };
}

describe('a file straight to the device', () => {
  it('of 2 GiB, through 64 MiB of device memory and 256 MiB of host memory', { timeout: 300_000 }, async () => {
    await makeFile(2048 * MIB, 4096);
    const { sample, most } = meter();
    const result = await sumFile(await fileSource(file), 4096, { sample });
    expect([result.sumOfPlaces, result.sumOfFile]).toEqual([result.expected, result.expected]);
    expect(result.mostUsed).toBeLessThanOrEqual(256 * MIB + SLACK);
    // Beside the pages: reads on their way, and storage that the engine has not collected yet.
    expect(most.arrayBuffers).toBeLessThan((256 + 64) * MIB);
    // The software adapter's memory is the process's: 64 MiB of frames, 64 MiB of uploads on their way, its own staging, and code.
    expect(most.rss).toBeLessThan((256 + 64 + 64 + 256) * MIB);
    const rate = (ms: number) => `${Math.round((2048 * MIB) / 1e3 / ms)} MB/s`;
    console.log(
      `2 GiB in ${Math.round(result.fileMs)} ms (${rate(result.fileMs)}), 4096 places in ${Math.round(result.placesMs)} ms; ` +
        `host pages ${result.mostUsed / MIB} MiB, ArrayBuffers +${Math.round(most.arrayBuffers / MIB)} MiB, RSS +${Math.round(most.rss / MIB)} MiB`,
    );
  });

  it('in pages of 4 KiB, with less host memory than device memory', { timeout: 120_000 }, async () => {
    await makeFile(32 * MIB, 256);
    const paging = { pageSize: 4096, memory: 16 * MIB, budget: 8 * MIB };
    const result = await sumFile(await fileSource(file), 256, paging);
    expect([result.sumOfPlaces, result.sumOfFile]).toEqual([result.expected, result.expected]);
    expect(result.mostUsed).toBeLessThanOrEqual(8 * MIB + SLACK);
  });

  it('as a Blob', { timeout: 120_000 }, async () => {
    await makeFile(128 * MIB + 4096, 512);
    const paging = { memory: 16 * MIB, budget: 32 * MIB };
    const result = await sumFile(blobSource(await openAsBlob(path)), 512, paging);
    expect([result.sumOfPlaces, result.sumOfFile]).toEqual([result.expected, result.expected]);
    expect(result.mostUsed).toBeLessThanOrEqual(32 * MIB + SLACK);
    const inMemory = await sumBlob(64 * MIB, 64, paging);
    expect([inMemory.sumOfPlaces, inMemory.sumOfFile]).toEqual([inMemory.expected, inMemory.expected]);
  });

  it('by an access handle, as in a worker of a browser', { timeout: 120_000 }, async () => {
    const { fd } = file;
    const handle = {
      getSize: () => fstatSync(fd).size,
      read: (into: Uint8Array, { at }: { at: number }) => readSync(fd, into, 0, into.length, at),
      write: (from: Uint8Array, { at }: { at: number }) => writeSync(fd, from, 0, from.length, at),
      truncate: (length: number) => ftruncateSync(fd, length),
      flush: () => fsyncSync(fd),
      close: () => undefined,
    };
    const root = {
      getFileHandle: async () => ({ createSyncAccessHandle: async () => handle }),
      removeEntry: async () => undefined,
    };
    const paging = { memory: 16 * MIB, budget: 32 * MIB };
    const result = await sumAndStoreOpfs(root, 64 * MIB, 64, paging);
    expect([result.sumOfPlaces, result.sumOfFile]).toEqual([result.expected, result.expected]);
    expect(result.stored).toBe(true);
  });

  it('and back: what programs store is in the file', { timeout: 120_000 }, async () => {
    await file.truncate(512 * MIB);
    let used = 0;
    await storeEvery(await fileSource(file, { write: true }), MIB, {
      memory: 8 * MIB,
      budget: 16 * MIB,
      sample: (now) => (used = Math.max(used, now)),
    });
    expect(used).toBeLessThanOrEqual(16 * MIB + SLACK);
    const word = new Uint32Array(1);
    for (let i = 0; i < 512; i++) {
      await file.read(new Uint8Array(word.buffer), 0, 4, i * MIB);
      expect(word[0]).toBe(i + 1);
    }
  });
});
