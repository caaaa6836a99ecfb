import type { MirrorError } from '@mirrorspace/core';
import { createSpace, managedMemory } from '@mirrorspace/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectCode, PAGE, pattern } from './helpers.js';

const MIB = 1 << 20;

describe('managed memory', () => {
  it('gives a run of frames side by side, as one view', () => {
    const host = managedMemory();
    const first = host.allocate(600);
    host.commit(first, 600);
    const view = host.view(first, 600)!;
    expect(view.byteLength).toBe(600 * PAGE);
    view[599 * PAGE] = 7;
    expect(host.bufferOf(first + 599)[host.offsetOf(first + 599)]).toBe(7);
  });

  it('gives a large hold one view', async () => {
    await using space = await createSpace();
    const region = space.map({ bytes: 8 * MIB });
    using held = await region.acquire('write');
    held.bytes.fill(3);
    held.release();
    using again = await region.acquire('read', { offset: 5 * MIB, bytes: 1 });
    expect(again.bytes[0]).toBe(3);
  });

  it('gives zeros in frames that are used again', async () => {
    const host = managedMemory();
    await using space = await createSpace({ host });
    const keep = space.map({ bytes: PAGE });
    await space.write(keep.address, pattern(4));
    for (let round = 0; round < 3; round++) {
      const region = space.map({ bytes: 4 * PAGE });
      {
        using held = await region.acquire('write');
        expect(held.bytes).toEqual(new Uint8Array(4 * PAGE));
        held.bytes.set(pattern(4 * PAGE, round));
      }
      await region.unmap();
    }
    expect(host.used).toBe(1);
  });

  it('takes no more than its limit, says so, and takes nothing then', async () => {
    const host = managedMemory({ limit: 4 * PAGE });
    await using space = await createSpace({ host });
    const region = space.map({ bytes: 16 * PAGE });
    await space.write(region.address, pattern(3 * PAGE));
    const error = await expectCode(space.write(region.address + 8 * PAGE, pattern(2 * PAGE)), 'OUT_OF_HOST_MEMORY');
    expect(error.message).toContain('limit');
    expect(host.used).toBe(3);
    await space.write(region.address + 8 * PAGE, pattern(PAGE));
    await region.unmap({ offset: 0, bytes: 2 * PAGE });
    await space.write(region.address + 8 * PAGE, pattern(2 * PAGE));
    expect(host.used).toBe(4);
  });

  it('gives the storage of empty granules back, and takes granules again', () => {
    const host = managedMemory({ limit: 2 * MIB });
    for (let round = 0; round < 4; round++) {
      const frames = Array.from({ length: 512 }, () => host.allocate(1));
      expect(new Set(frames).size).toBe(512);
      expect(Math.max(...frames)).toBeLessThan(512);
      for (const frame of frames) host.bufferOf(frame)[host.offsetOf(frame)] = 1;
      for (const frame of frames) host.free(frame);
      expect(host.used).toBe(0);
    }
    const [first] = [host.allocate(256)];
    for (let frame = first; frame < first + 256; frame++) {
      host.zero(frame);
      expect(host.bufferOf(frame)[host.offsetOf(frame)]).toBe(0);
    }
  });

  it.each([
    [4096, 60],
    [65_536, 40],
    [1 << 20, 10],
  ])('never gives a frame twice, nor old bytes after zero: pages of %d', (pageSize, numRuns) => {
    const step = fc.oneof(
      fc.record({ take: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ drop: fc.integer({ min: 0, max: 1000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const host = managedMemory({ pageSize, limit: 64 * pageSize });
        const held: number[] = [];
        for (const s of steps) {
          if ('drop' in s) {
            const [frame] = held.splice(s.drop % Math.max(1, held.length), 1);
            if (frame !== undefined) host.free(frame);
            continue;
          }
          const fits = held.length + s.take <= 64;
          let first: number;
          try {
            first = host.allocate(s.take);
          } catch (error) {
            expect([fits, (error as MirrorError).code]).toEqual([false, 'OUT_OF_HOST_MEMORY']);
            continue;
          }
          expect(fits).toBe(true);
          for (let frame = first; frame < first + s.take; frame++) {
            expect(held).not.toContain(frame);
            held.push(frame);
            host.zero(frame);
            const at = host.offsetOf(frame);
            expect(host.bufferOf(frame)[at + 17]).toBe(0);
            host.bufferOf(frame)[at + 17] = 1;
          }
        }
        expect(host.used).toBe(held.length);
      }),
      { numRuns },
    );
  });
});
