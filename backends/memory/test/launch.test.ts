import { CANCEL_NOT_MAPPED, type Fence, MirrorError } from '@mirrorspace/core/driver';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyOut, hostFrames, PAGE, Rig } from './helpers.js';

const WORDS = PAGE / 4;

/** Serves faults with `frames` frames, taking pages away at random, until the fence settles. */
function serve(rig: Rig, fence: Fence, frames: number, random: () => number, window?: number): Map<number, number> {
  const resident = new Map<number, number>();
  const saved = hostFrames(64);
  for (let round = 0; !fence.signaled && fence.error === undefined; round++) {
    if (round > 20_000) throw new Error('no progress');
    for (const [page] of rig.faults()) {
      if (resident.has(page)) continue;
      if (resident.size === frames) {
        const victims = [...resident.keys()];
        const victim = victims[Math.floor(random() * victims.length)]!;
        const frame = resident.get(victim)!;
        resident.delete(victim);
        rig.paging.submit([rig.unmap([victim]), rig.flush([victim]), copyOut(saved, [victim], [frame])]);
      }
      const used = new Set(resident.values());
      const frame = Array.from({ length: frames }, (_, f) => f).find((f) => !used.has(f))!;
      rig.paging.submit([{ ...copyOut(saved, [page], [frame]), kind: 'copyIn' }, rig.map([page], [frame])]);
      resident.set(page, frame);
    }
    rig.paging.submit([rig.replay(window)]);
  }
  for (const [page, frame] of resident) rig.paging.submit([copyOut(saved, [page], [frame])]);
  const words = new Uint32Array(saved.bytes.buffer);
  return new Map(Array.from(words, (word, i) => [i * 4, word] as const).filter(([, word]) => word !== 0));
}

describe('launch', () => {
  it('runs every unit of the grid once, with its place', async () => {
    const rig = await Rig.open();
    const seen: string[] = [];
    const launch = { ...rig.launch((_, id) => void seen.push(`${id.x},${id.y},${id.z}`)), grid: [3, 2, 2] as const };
    expect(rig.user.submit([launch]).signaled).toBe(true);
    expect(seen.length).toBe(12);
    expect(new Set(seen).size).toBe(12);
    expect(seen.at(-1)).toBe('2,1,1');
    expect(rig.device.faults.retired).toBe(12);
  });

  it('gives each unit effect exactly once under random fault service', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 3, max: 9 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer(),
        async (frames, residentUnits, faultBuffer, seed) => {
          const rig = await Rig.open({ memory: frames * PAGE, residentUnits, faultBuffer, tlbEntries: 8 });
          let state = seed;
          const random = () => ((state = (Math.imul(state, 1664525) + 1013904223) | 0) >>> 0) / 2 ** 32;
          const units = 60;
          // Each unit touches three pages: what it stored must not stay if a later one faults.
          const fence = rig.user.submit([
            rig.launch((ctx, id) => {
              const a = ((id.x * 7) % 11) * PAGE;
              const b = ((id.x * 5) % 13) * PAGE + 8;
              const c = 20 * PAGE + 16;
              ctx.storeF64(c, ctx.loadF64(c) + 1);
              ctx.store8(c + 8, ctx.load8(c + 8) + 1);
              ctx.atomicAdd(a, 1);
              ctx.store32(b, ctx.load32(b) + 2);
            }, units),
          ]);
          const words = serve(rig, fence, frames, random, 1);
          expect(fence.error).toBeUndefined();
          const expected = new Map<number, number>();
          for (let x = 0; x < units; x++) {
            const a = ((x * 7) % 11) * PAGE;
            const b = ((x * 5) % 13) * PAGE + 8;
            expected.set(a, (expected.get(a) ?? 0) + 1);
            expected.set(b, (expected.get(b) ?? 0) + 2);
          }
          const [low, high] = new Uint32Array(new Float64Array([units]).buffer);
          if (low !== 0) expected.set(20 * PAGE + 16, low!);
          expected.set(20 * PAGE + 20, high!);
          expected.set(20 * PAGE + 24, units);
          expect(words).toEqual(new Map([...expected].sort(([p], [q]) => p - q)));
          expect(rig.device.faults.retired).toBe(units);
          expect(rig.device.faults.stalled).toBe(0);
          await rig.device.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps at most residentUnits in flight, and lets only `window` of them retry', async () => {
    const rig = await Rig.open({ residentUnits: 4 });
    let runs = 0;
    const fence = rig.user.submit([
      rig.launch((ctx, id) => {
        runs++;
        ctx.store32(id.x * PAGE, 1);
      }, 10),
    ]);
    expect(runs).toBe(4);
    expect(rig.device.faults.stalled).toBe(4);
    expect(rig.faults().map(([page]) => page)).toEqual([0, 1, 2, 3]);
    runs = 0;
    rig.paging.submit([rig.map([0, 1, 2, 3], [0, 1, 2, 3]), rig.replay(1)]);
    expect(runs).toBe(1);
    expect(rig.device.faults.stalled).toBe(3);
    rig.paging.submit([rig.replay()]);
    expect(rig.device.faults.retired).toBe(4);
    expect(rig.device.faults.stalled).toBe(4);
    expect(fence.signaled).toBe(false);
  });

  it('says that it needs service again when a window leaves units stalled', async () => {
    const rig = await Rig.open({ residentUnits: 3 });
    let woken = 0;
    rig.device.faults.listen(() => {
      woken++;
      for (const [page] of rig.faults()) rig.paging.submit([rig.map([page], [page])]);
      if (rig.device.faults.stalled > 0) rig.paging.submit([rig.replay(1)]);
    });
    const fence = rig.user.submit([rig.launch((ctx, id) => ctx.store32(id.x * PAGE, 1), 9)]);
    expect(fence.signaled).toBe(true);
    expect(woken).toBeGreaterThan(1);
  });

  it('counts dropped faults and reports them again on replay', async () => {
    const rig = await Rig.open({ faultBuffer: 2 });
    const fence = rig.user.submit([rig.launch((ctx, id) => ctx.store32(id.x * PAGE, 1), 5)]);
    expect(rig.device.faults.dropped).toBe(3);
    expect(rig.device.faults.pending).toBe(2);
    expect(rig.device.faults.stalled).toBe(5);
    expect(rig.faults().map(([page]) => page)).toEqual([0, 1]);
    rig.paging.submit([rig.map([0, 1], [0, 1]), rig.replay()]);
    expect(rig.faults().map(([page]) => page)).toEqual([2, 3]);
    rig.paging.submit([rig.map([2, 3], [2, 3]), rig.replay()]);
    expect(rig.faults().map(([page]) => page)).toEqual([4]);
    rig.paging.submit([rig.map([4], [4]), rig.replay()]);
    expect(fence.signaled).toBe(true);
  });

  it('reports a page once while it waits to be drained', async () => {
    const rig = await Rig.open();
    rig.user.submit([rig.launch((ctx) => ctx.load32(8 * PAGE), 50)]);
    expect(rig.faults()).toEqual([[8, 1]]);
  });

  it('lets units probe instead of fault', async () => {
    const rig = await Rig.open();
    const fence = rig.user.submit([
      rig.launch((ctx) => {
        if (!ctx.probe(0) || !ctx.probe(PAGE, 'write')) return 'retry';
        ctx.store32(PAGE, ctx.load32(0) + 1);
        return undefined;
      }),
    ]);
    expect(rig.faults()).toEqual([[0, 1]]);
    rig.paging.submit([rig.map([0], [0]), rig.replay()]);
    expect(rig.faults()).toEqual([[1, 2]]);
    rig.paging.submit([rig.map([1], [1]), rig.replay()]);
    expect(fence.signaled).toBe(true);
  });

  it('fails with PROGRAM and the cause when a unit throws, without its effect', async () => {
    const rig = await Rig.open();
    rig.paging.submit([rig.map([0], [0])]);
    const cause = new Error('no');
    const fence = rig.user.submit([
      rig.launch((ctx) => {
        ctx.store32(0, 9);
        throw cause;
      }),
    ]);
    expect(fence.error).toMatchObject({ code: 'PROGRAM', cause });
    const read = rig.read(0, 4);
    rig.user.submit([read]);
    expect(read.into[0]).toBe(0);
    for (const wrong of [2, 0.5, NaN, -4]) {
      const failed = rig.user.submit([rig.launch((ctx) => ctx.load32(wrong))]);
      expect(failed.error?.code).toBe(wrong === -4 ? 'ADDRESS_NOT_MAPPED' : 'PROGRAM');
    }
    expect(rig.user.submit([rig.launch(() => 'retry')]).error?.code).toBe('PROGRAM');
  });

  it('does not let a program swallow a fault', async () => {
    const rig = await Rig.open();
    const fence = rig.user.submit([
      rig.launch((ctx) => {
        try {
          ctx.load32(0);
        } catch {
          return;
        }
      }),
    ]);
    expect(fence.signaled).toBe(false);
    expect(rig.device.faults.stalled).toBe(1);
  });

  it('fails as a whole when one of its faults is cancelled', async () => {
    const rig = await Rig.open();
    const fence = rig.user.submit([rig.launch((ctx, id) => ctx.load32(id.x * PAGE), 8), rig.fill(0, 1, 1)]);
    const next = rig.user.submit([rig.launch(() => undefined)]);
    rig.paging.submit([rig.cancel([5], CANCEL_NOT_MAPPED)]);
    expect(fence.error).toBeInstanceOf(MirrorError);
    expect(fence.error).toMatchObject({ code: 'ADDRESS_NOT_MAPPED', address: 5 * PAGE });
    expect(rig.device.faults.stalled).toBe(0);
    expect(next.signaled).toBe(true);
  });

  it('sees through every width what another stored', async () => {
    const rig = await Rig.open();
    rig.paging.submit([rig.map([0], [0])]);
    const got: number[] = [];
    rig.user.submit([
      rig.launch((ctx) => {
        // The first load opens a window on memory without storage, the store gives it storage.
        got.push(ctx.load32(0));
        ctx.storeF32(0, -2.5);
        got.push(ctx.loadF32(0), ctx.load8(3), ctx.loadI32(0) < 0 ? 1 : 0);
        ctx.storeF64(8, Math.PI);
        got.push(ctx.loadF64(8), ctx.load32(WORDS * 4 - 4));
      }),
    ]);
    expect(got).toEqual([0, -2.5, 0xc0, 1, Math.PI, 0]);
  });
});
