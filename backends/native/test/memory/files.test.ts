import { type AddressSpace, createSpace } from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';
import { mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { nativeFile, type NativeFile, nativeMemory, type NativeMemory } from '../../src/index.js';

const PAGE = 4096;
const PAGES = 100;
const pattern = (pages: number) => Uint8Array.from({ length: pages * PAGE }, (_none, i) => (i * 7 + (i >> 12)) & 255);
const error = (code: string) => expect.objectContaining({ code }) as Error;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mirrorspace-files-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Rig extends AsyncDisposable {
  readonly path: string;
  readonly file: NativeFile;
  readonly host: NativeMemory;
  readonly space: AddressSpace;
}

let made = 0;
async function openRig(bytes: Uint8Array, options: { write?: boolean; pageSize?: number } = {}): Promise<Rig> {
  const path = join(folder, String(made++));
  await writeFile(path, bytes);
  const file = await nativeFile(path, { write: options.write ?? false });
  const host = nativeMemory(options.pageSize === undefined ? {} : { pageSize: options.pageSize });
  const space = await createSpace({ host });
  return {
    path,
    file,
    host,
    space,
    async [Symbol.asyncDispose]() {
      await space.close();
      await file.close();
    },
  };
}

const mapsOf = async (path: string) =>
  (await readFile('/proc/self/maps', 'utf8')).split('\n').filter((line) => line.includes(path)).length;

/** Changes a byte of a file behind the back of everybody. */
async function poke(path: string, at: number, value: number): Promise<void> {
  const handle = await open(path, 'r+');
  await handle.write(Uint8Array.of(value), 0, 1, at);
  await handle.close();
}

describe('a region over a native file', () => {
  it('shows the page cache itself: nothing is copied, and nothing stays when it goes', async () => {
    await using rig = await openRig(pattern(PAGES));
    const { space, file, host, path } = rig;
    const region = space.map({ bytes: PAGES * PAGE, source: file });
    const held = await region.acquire('read');
    expect(Buffer.compare(held.bytes, pattern(PAGES))).toBe(0);
    expect([host.used, await mapsOf(path)]).toEqual([PAGES, 1]);
    await poke(path, 5 * PAGE, 99);
    expect(held.bytes[5 * PAGE]).toBe(99);
    held.release();
    await region.unmap();
    expect([host.used, await mapsOf(path)]).toEqual([0, 0]);
    // The numbers are free for others.
    const other = space.map({ bytes: PAGE, share: 'private' });
    await space.write(other.address, pattern(1));
    expect(Buffer.compare(await space.read(other.address, PAGE), pattern(1))).toBe(0);
  });

  it('writes through where it is shared: by the CPU at once, by a device when it is synced', async () => {
    await using rig = await openRig(pattern(PAGES), { write: true });
    const { space, file, path } = rig;
    const device = await memory.open({ memory: 16 * PAGE });
    const mirror = await space.attach(device, { prefetch: 'none' });
    const written = vi.spyOn(file, 'write');
    const { address } = space.map({ bytes: PAGES * PAGE, source: file, share: 'shared' });
    await space.write(address + 3 * PAGE + 5, Uint8Array.of(1, 2, 3));
    expect((await readFile(path)).subarray(3 * PAGE + 5, 3 * PAGE + 8)).toEqual(Buffer.from([1, 2, 3]));
    expect(await mirror.read(address + 3 * PAGE + 5, 3)).toEqual(Uint8Array.of(1, 2, 3));
    await mirror.fill(address + 7 * PAGE, 2 * PAGE, 42);
    expect(await space.sync(address, PAGES * PAGE)).toBe(3);
    expect((await readFile(path)).subarray(7 * PAGE, 9 * PAGE)).toEqual(Buffer.alloc(2 * PAGE, 42));
    // It was in the file already.
    expect(written).not.toHaveBeenCalled();
    expect(await space.sync(address, PAGES * PAGE)).toBe(0);
    await mirror.detach();
    await device.close();
  });

  it('copies what is written where it is private', async () => {
    await using rig = await openRig(pattern(PAGES), { write: true });
    const { space, file, path } = rig;
    const { address } = space.map({ bytes: PAGES * PAGE, source: file });
    await space.write(address + PAGE, new Uint8Array(PAGE).fill(9));
    expect(await space.read(address + PAGE, 1)).toEqual(Uint8Array.of(9));
    expect(Buffer.compare(await readFile(path), pattern(PAGES))).toBe(0);
    // What was not written is the file's still.
    await poke(path, 2 * PAGE, 77);
    expect(await space.read(address + 2 * PAGE, 1)).toEqual(Uint8Array.of(77));
  });

  it('shows zeros behind the end in the last page, which is a copy', async () => {
    await using rig = await openRig(pattern(3).subarray(0, 2 * PAGE + 100), { write: true });
    const { space, file, path } = rig;
    const { address } = space.map({ bytes: 3 * PAGE, source: file, share: 'shared' });
    const last = await space.read(address + 2 * PAGE, PAGE);
    expect([last[99], last[100], last[PAGE - 1]]).toEqual([pattern(3)[2 * PAGE + 99], 0, 0]);
    await space.write(address + 2 * PAGE + 99, Uint8Array.of(5, 6));
    expect(await space.sync(address, 3 * PAGE)).toBe(1);
    const bytes = await readFile(path);
    expect([bytes.length, bytes[2 * PAGE + 99]]).toEqual([2 * PAGE + 100, 5]);
  });

  it('can be truncated by its space while it is held, and made longer again', async () => {
    await using rig = await openRig(pattern(PAGES), { write: true });
    const { space, file, path } = rig;
    const region = space.map({ bytes: 64 * PAGE, source: file, share: 'shared' });
    const held = await region.acquire('read', { offset: 2 * PAGE, bytes: 40 * PAGE });
    await space.truncate(file, 10 * PAGE + 50);
    // The kernel would have taken the pages away under it.
    expect(Buffer.compare(held.bytes.subarray(10 * PAGE), pattern(PAGES).subarray(12 * PAGE, 42 * PAGE))).toBe(0);
    held.release();
    expect((await readFile(path)).length).toBe(10 * PAGE + 50);
    const last = await space.read(region.address + 10 * PAGE, PAGE);
    expect([last[49], last[50]]).toEqual([pattern(PAGES)[10 * PAGE + 49], 0]);
    await expect(space.read(region.address + 11 * PAGE, 1)).rejects.toThrow(error('IO'));
    await space.truncate(file, 20 * PAGE);
    expect(await space.read(region.address + 15 * PAGE, 2)).toEqual(Uint8Array.of(0, 0));
    await space.write(region.address + 15 * PAGE, Uint8Array.of(8));
    expect((await readFile(path))[15 * PAGE]).toBe(8);
    await space.write(region.address + 10 * PAGE + 60, Uint8Array.of(4));
    await space.sync(region.address, 20 * PAGE);
    expect((await readFile(path))[10 * PAGE + 60]).toBe(4);
  });

  it('is held still after it was unmapped and truncated', async () => {
    await using rig = await openRig(pattern(8), { write: true });
    const region = rig.space.map({ bytes: 8 * PAGE, source: rig.file, share: 'shared' });
    const held = await region.acquire('read');
    await region.unmap();
    await rig.space.truncate(rig.file, 0);
    expect(Buffer.compare(held.bytes, pattern(8))).toBe(0);
    held.release();
    expect(rig.host.used).toBe(0);
  });

  it.each(['truncated', 'unmapped'])(
    'can be %s while more pages are held than a process may have mappings',
    async (how) => {
      await using rig = await openRig(pattern(1), { write: true });
      const pages = 70_000;
      await truncate(rig.path, pages * PAGE);
      await using file = await nativeFile(rig.path, { write: true });
      const region = rig.space.map({ bytes: pages * PAGE, source: file, share: 'shared' });
      const held = await region.acquire('read');
      await (how === 'truncated' ? rig.space.truncate(file, PAGE) : region.unmap());
      expect((await readFile('/proc/self/maps', 'utf8')).split('\n').length).toBeLessThan(10_000);
      expect([held.bytes[5], held.bytes[6 * PAGE]]).toEqual([pattern(1)[5], 0]);
      held.release();
      await rig.space.close();
      expect(rig.host.used).toBe(0);
    },
  );

  it('can be mapped again while a part of it that was unmapped is held', async () => {
    await using rig = await openRig(pattern(8), { write: true });
    const { space, file, path, host } = rig;
    const region = space.map({ bytes: 8 * PAGE, source: file, share: 'shared' });
    const held = await region.acquire('read', { offset: PAGE, bytes: PAGE });
    await region.unmap();
    const again = space.map({ bytes: 8 * PAGE, source: file, share: 'shared' });
    await space.write(again.address + PAGE, new Uint8Array(2 * PAGE).fill(3));
    await space.sync(again.address, 8 * PAGE);
    expect((await readFile(path)).subarray(PAGE, 3 * PAGE)).toEqual(Buffer.alloc(2 * PAGE, 3));
    expect(Buffer.compare(held.bytes, pattern(2).subarray(PAGE))).toBe(0);
    held.release();
    await again.unmap();
    expect(host.used).toBe(0);
  });

  it('is read and written back where pages are larger than the system has them', async () => {
    await using rig = await openRig(pattern(PAGES), { write: true, pageSize: 16384 });
    const { space, file, path } = rig;
    const { address } = space.map({ bytes: 64 * PAGE, source: file, share: 'shared' });
    await space.write(address, Uint8Array.of(1));
    expect((await readFile(path))[0]).toBe(pattern(1)[0]);
    await space.sync(address, 64 * PAGE);
    expect([(await readFile(path))[0], await mapsOf(path)]).toEqual([1, 0]);
  });

  it('keeps to the limit of host memory and to its budget', async () => {
    await using rig = await openRig(pattern(PAGES), { write: true });
    const host = nativeMemory({ limit: 64 * PAGE });
    await using space = await createSpace({ host, reclaim: { budget: 16 * PAGE } });
    const { address } = space.map({ bytes: PAGES * PAGE, source: rig.file, share: 'shared' });
    for (let page = 0; page < PAGES; page++) {
      await space.write(address + page * PAGE, Uint8Array.of(page));
      expect(host.used).toBeLessThanOrEqual(18);
    }
    await space.close();
    const bytes = await readFile(rig.path);
    expect(Array.from({ length: PAGES }, (_none, page) => bytes[page * PAGE])).toEqual(
      Array.from({ length: PAGES }, (_none, page) => page),
    );
  });

  it('leaves nothing of what does not fit the limit', async () => {
    await using rig = await openRig(pattern(PAGES));
    await using other = await openRig(pattern(2));
    const host = nativeMemory({ limit: 64 * PAGE });
    expect(() => host.sources!.map(rig.file, 0, PAGES)).toThrow(error('OUT_OF_HOST_MEMORY'));
    // The lowest numbers are given out first.
    expect(host.sources!.map(other.file, 0, 2)).toEqual(Uint32Array.of(0, 1));
    expect(host.used).toBe(2);
  });

  it('tells when it cannot be opened', async () => {
    await expect(nativeFile(join(folder, 'nowhere'))).rejects.toThrow(error('ENOENT'));
    await expect(nativeFile('/dev/null')).rejects.toThrow(error('ENODEV'));
    await expect(nativeFile(5 as never)).rejects.toThrow(TypeError);
    await expect(nativeFile('x', 5 as never)).rejects.toThrow(TypeError);
    await expect(nativeFile('x', { write: 1 as never })).rejects.toThrow(TypeError);
  });
});
