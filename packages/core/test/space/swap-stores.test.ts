import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accessHandleSwap, createSpace, fileSwap } from '@mirrorspace/core';
import { describe, expect, test } from 'vitest';
import { expectBytes, PAGE, pattern } from './helpers.js';

describe('swap stores', () => {
  test('a file of Node keeps pages', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mirrorspace-swap-'));
    const file = await open(join(folder, 'swap'), 'w+');
    try {
      await using space = await createSpace({ reclaim: { budget: 8 * PAGE, swap: fileSwap(file, 64 * PAGE) } });
      const { address } = space.map({ bytes: 32 * PAGE });
      await space.write(address, pattern(32 * PAGE));
      expectBytes(await space.read(address, 32 * PAGE), pattern(32 * PAGE));
      expect(space.memory.stats.swappedOut).toBeGreaterThan(20);
    } finally {
      await file.close();
      await rm(folder, { recursive: true });
    }
  });

  test('an access handle keeps pages, also where it moves fewer bytes than asked', async () => {
    const bytes = new Uint8Array(64 * PAGE);
    const handle = {
      read(into: Uint8Array, { at }: { at: number }) {
        const part = Math.min(1000, into.length);
        into.set(bytes.subarray(at, at + part));
        return part;
      },
      write(from: Uint8Array, { at }: { at: number }) {
        const part = Math.min(1000, from.length);
        bytes.set(from.subarray(0, part), at);
        return part;
      },
    };
    await using space = await createSpace({ reclaim: { swap: accessHandleSwap(handle, bytes.length) } });
    const { address } = space.map({ bytes: 8 * PAGE });
    await space.write(address, pattern(8 * PAGE));
    expect(await space.pageOut(address, 8 * PAGE)).toBe(8 * PAGE);
    expectBytes(await space.read(address, 8 * PAGE), pattern(8 * PAGE));
  });
});
