import { openAsBlob } from 'node:fs';
import { mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accessHandleSource, blobSource, type ByteSource, createSpace, fileSource } from '@mirrorspace/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRig, expectBytes, expectCode, PAGE, pattern } from './helpers.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mirrorspace-sources-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
async function fileOf(bytes: Uint8Array): Promise<string> {
  const path = join(folder, `file-${files++}`);
  await writeFile(path, bytes);
  return path;
}

/** An access handle over bytes that moves at most 1,000 at a time. */
function handleOf(bytes: Uint8Array) {
  const handle = {
    bytes,
    flushes: 0,
    getSize: () => handle.bytes.length,
    read(into: Uint8Array, { at }: { at: number }) {
      const part = handle.bytes.subarray(at, at + Math.min(1000, into.length));
      into.set(part);
      return part.length;
    },
    write(from: Uint8Array, { at }: { at: number }) {
      handle.bytes.set(from.subarray(0, 1000), at);
      return Math.min(1000, from.length);
    },
    truncate(length: number) {
      const to = new Uint8Array(length);
      to.set(handle.bytes.subarray(0, length));
      handle.bytes = to;
    },
    flush: () => void handle.flushes++,
  };
  return handle;
}

const BYTES = 40 * PAGE + 100;

describe('a source over', () => {
  const kinds: Record<string, () => Promise<{ source: ByteSource; end?: () => Promise<void> }>> = {
    'a Blob': async () => ({ source: blobSource(new Blob([new Uint8Array(pattern(BYTES))])) }),
    'a Blob of a file': async () => ({ source: blobSource(await openAsBlob(await fileOf(pattern(BYTES)))) }),
    'a file': async () => {
      const file = await open(await fileOf(pattern(BYTES)), 'r');
      return { source: await fileSource(file), end: () => file.close() };
    },
    'a file to write to': async () => {
      const file = await open(await fileOf(pattern(BYTES)), 'r+');
      return { source: await fileSource(file, { write: true }), end: () => file.close() };
    },
    'an access handle': async () => ({ source: accessHandleSource(handleOf(pattern(BYTES))) }),
  };
  it.each(Object.keys(kinds))(
    '%s: shows its bytes to the CPU and the device, and zeros behind its end',
    async (kind) => {
      const { source, end } = await kinds[kind]!();
      {
        await using rig = await createRig();
        const { space, mirror } = rig;
        const { address, bytes } = space.map({ bytes: source.size, source });
        expect(bytes).toBe(41 * PAGE);
        const expected = new Uint8Array(bytes);
        expected.set(pattern(BYTES));
        expectBytes(await mirror.read(address + 3 * PAGE, 38 * PAGE), expected.subarray(3 * PAGE));
        expectBytes(await space.read(address, bytes), expected);
      }
      await end?.();
    },
  );

  it.each(['a Blob', 'a file', 'an access handle'])('%s: is for reading unless it says otherwise', async (kind) => {
    const { source, end } = await kinds[kind]!();
    await using space = await createSpace();
    expect(() => space.map({ bytes: PAGE, source, share: 'shared' })).toThrow(/write\(\)/);
    await end?.();
  });
});

describe('a file that is changed while it is mapped', () => {
  it.each(['shorter', 'written'] as const)('is an error that names it and the place: %s', async (how) => {
    const path = await fileOf(pattern(4 * PAGE));
    const file = await open(path, 'r');
    const source = await fileSource(file, { name: path });
    await using rig = await createRig();
    const { address } = rig.space.map({ bytes: 4 * PAGE, source });
    expectBytes(await rig.space.read(address, PAGE), pattern(PAGE));
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (how === 'shorter') await truncate(path, PAGE);
    else await writeFile(path, pattern(4 * PAGE, 2));
    const error = await expectCode(rig.space.read(address + PAGE, PAGE), 'IO');
    expect(error.message).toContain(`${path}: `);
    expect(error.message).toMatch(/byte 4096/);
    expect(error.message).toMatch(/Open it again/);
    await expectCode(rig.mirror.read(address + 2 * PAGE, 4), 'IO');
    await file.close();
  });

  it('is an error if it was a Blob', async () => {
    const path = await fileOf(pattern(4 * PAGE));
    const source = blobSource(await openAsBlob(path), { name: 'photos.raw' });
    await using space = await createSpace();
    const { address } = space.map({ bytes: 4 * PAGE, source });
    await truncate(path, PAGE);
    const error = await expectCode(space.read(address, PAGE), 'IO');
    expect(error.message).toContain('photos.raw: cannot be read at byte 0');
    expect((error.cause as Error).cause).toMatchObject({ name: 'NotReadableError' });
  });

  it('is an error when it is shorter, also if it is open for writing', async () => {
    const path = await fileOf(pattern(4 * PAGE));
    const file = await open(path, 'r+');
    await using space = await createSpace();
    const { address } = space.map({ bytes: 4 * PAGE, source: await fileSource(file, { write: true }) });
    await truncate(path, PAGE + 10);
    const error = await expectCode(space.read(address + PAGE, PAGE), 'IO');
    expect(error.message).toMatch(/the file: could read nothing at byte 4106/);
    await file.close();
  });
});

describe('writing to a source', () => {
  it('of a file: what a device stored is in the file, flushed, after sync', async () => {
    const path = await fileOf(pattern(8 * PAGE + 10));
    const file = await open(path, 'r+');
    let synced = 0;
    const watched = {
      stat: () => file.stat(),
      read: file.read.bind(file) as never,
      write: file.write.bind(file) as never,
      truncate: (length: number) => file.truncate(length),
      sync: () => (synced++, file.sync()),
    };
    {
      await using rig = await createRig();
      const source = await fileSource(watched, { write: true });
      const { address } = rig.space.map({ bytes: 8 * PAGE + 10, source, share: 'shared' });
      await rig.mirror.write(address + PAGE, pattern(2 * PAGE, 5));
      await rig.mirror.write(address + 8 * PAGE, pattern(4, 6));
      expect(await rig.space.sync(address, 9 * PAGE)).toBe(3);
      expect(synced).toBe(1);
      const expected = pattern(8 * PAGE + 10);
      expected.set(pattern(2 * PAGE, 5), PAGE);
      expected.set(pattern(4, 6), 8 * PAGE);
      expectBytes(new Uint8Array(await readFile(path)), expected);
      await rig.space.truncate(source, PAGE);
      expect([source.size, (await readFile(path)).length]).toEqual([PAGE, PAGE]);
    }
    await file.close();
  });

  it('of an access handle goes the same way', async () => {
    const handle = handleOf(pattern(4 * PAGE));
    await using rig = await createRig();
    const source = accessHandleSource(handle, { write: true });
    const { address } = rig.space.map({ bytes: 4 * PAGE, source, share: 'shared' });
    await rig.mirror.write(address + PAGE, pattern(2 * PAGE, 5));
    expect(await rig.space.sync(address, 4 * PAGE)).toBe(2);
    expect(handle.flushes).toBe(1);
    expectBytes(handle.bytes.subarray(PAGE, 3 * PAGE), pattern(2 * PAGE, 5));
    await rig.space.truncate(source, 10);
    expect([source.size, handle.bytes.length]).toEqual([10, 10]);
  });

  it('says so when the source cannot flush', async () => {
    const handle = handleOf(pattern(PAGE));
    handle.flush = () => {
      throw new Error('no disk');
    };
    await using space = await createSpace();
    const source = accessHandleSource(handle, { write: true, name: 'log' });
    const { address } = space.map({ bytes: PAGE, source, share: 'shared' });
    const error = await expectCode(space.sync(address, PAGE), 'IO');
    expect(error.message).toMatch(/flushing log failed.*no disk/);
  });
});
