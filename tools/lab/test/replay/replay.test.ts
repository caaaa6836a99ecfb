import { type EvictionFactory, type EvictionName, evictionPolicies, type EvictionPolicy } from '@mirrorspace/core';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { BareReplay } from '../../src/bare/replay.js';
import { bandwidth, costModel, transferUs, UVMSMART } from '../../src/replay/cost-model.js';
import { replayThroughMirror } from '../../src/replay/mirror-replay.js';
import { policyOf } from '../../src/replay/policies.js';
import { shapeOf } from '../../src/replay/shape.js';
import { type LoadedTrace, memoryTrace } from '../../src/trace/memory-trace.js';
import { pageTraceMeta } from '@mirrorspace/core';
import { lackeyTrace } from '../../src/trace/lackey.js';
import { fileOf } from '../trace/helpers.js';

function traceOf(
  records: readonly (readonly [page: number, write?: boolean, actor?: number, launch?: number])[],
): LoadedTrace {
  return memoryTrace(
    'test',
    4096,
    Uint32Array.from(records, ([page]) => page),
    Uint32Array.from(records, ([, write = false, actor = 1, launch = 0]) => pageTraceMeta(write, actor, launch)),
  );
}

const serial = { window: 1 } as const;

/** How a device is attached whose eviction policy is this one, and that brings nothing ahead. */
const evicting = (eviction: EvictionName | EvictionFactory) => ({ attach: { eviction, prefetch: 'none' } as const });

describe('cost model', () => {
  it('is UVMSmart’s: 24 / pi * atan(0.07292 * KiB)', () => {
    // By hand: atan(0.29168) = 0.28383, atan(4.66688) = 1.35972, atan(149.34) = 1.56410.
    expect(bandwidth(UVMSMART, 4096)).toBeCloseTo(2.168, 3);
    expect(bandwidth(UVMSMART, 65536)).toBeCloseTo(10.387, 2);
    expect(bandwidth(UVMSMART, 2 ** 21)).toBeCloseTo(11.949, 3);
    expect(transferUs(UVMSMART, 4096)).toBeCloseTo(4096 / 2168, 3);
    expect(transferUs(UVMSMART, 0)).toBe(0);
  });

  it('changes by parameters, and refuses what makes no sense', () => {
    expect(costModel({ batchUs: 20 })).toEqual({ ...UVMSMART, batchUs: 20 });
    for (const changes of [{ batchUs: -1 }, { peakGBs: 0 }, { slopePerKiB: NaN }, { accessUs: Infinity }])
      expect(() => costModel(changes)).toThrow(RangeError);
  });
});

describe('replay through a mirror', () => {
  it('counts what happens, and what it costs', async () => {
    // Pages 0 … 7 are stored to, one after another; two fit. Each fault is a batch of its own.
    const trace = traceOf(Array.from({ length: 8 }, (_, page) => [page, true]));
    const result = await replayThroughMirror(trace, { ...serial, room: 2, ...evicting('fifo') });
    expect(result).toMatchObject({ accesses: 8, launches: 1, faults: 8, pagesIn: 8, prefetched: 0, evictions: 6 });
    expect(result).toMatchObject({ writeBacks: 6, bytesIn: 8 * 4096, bytesOut: 6 * 4096, transfers: 14 });
    expect(result.stallUs).toBe(45 * result.batches);
    expect(result.transferUs).toBeCloseTo(14 * transferUs(UVMSMART, 4096), 6);
    expect(result.estimatedUs).toBeCloseTo(result.stallUs + result.transferUs, 6);
  });

  it('takes many faults in one batch where many accesses are in flight, and neighbours in one transfer', async () => {
    const trace = traceOf(Array.from({ length: 64 }, (_, page) => [page]));
    const one = await replayThroughMirror(trace, { ...serial, room: 64, ...evicting('lru') });
    const many = await replayThroughMirror(trace, { ...serial, window: 64, room: 64, ...evicting('lru') });
    expect([one.transfers, many.transfers]).toEqual([64, 1]);
    expect(many.batches).toBeLessThan(one.batches / 10);
    expect(many.estimatedUs).toBeLessThan(one.estimatedUs / 10);
  });

  it('brings pages ahead as the prefetch policy says', async () => {
    const trace = traceOf(Array.from({ length: 64 }, (_, page) => [page]));
    const result = await replayThroughMirror(trace, {
      room: 64,
      attach: { eviction: 'lru', prefetch: 'local' },
      window: 1,
    });
    expect([result.faults + result.prefetched, result.pagesIn]).toEqual([64, 64]);
    expect(result.faults).toBeLessThanOrEqual(5);
  });

  it('has the CPU take pages back between launches', async () => {
    const trace = traceOf([
      [0, true, 1, 0],
      [1, true, 1, 0],
      [0, false, 0, 0],
      [0, false, 1, 1],
    ]);
    const result = await replayThroughMirror(trace, { ...serial, room: 4, ...evicting('lru') });
    expect([result.launches, result.accesses, result.evictions]).toEqual([2, 3, 0]);
    expect(result.bytesOut).toBe(4096);
  });

  it('replays what a CPU program did as if a device had', async () => {
    const trace = lackeyTrace(await fileOf('t.lackey', ' L 1000,4\n S 2000,4\n L 1000,4\n'));
    const { touched, hasDevice } = await shapeOf(trace);
    expect([touched.extent, touched.size, hasDevice]).toEqual([3, 2, false]);
    const result = await replayThroughMirror(trace, { ...serial, room: 1, ...evicting('lru') });
    expect([result.accesses, result.pagesIn, result.writeBacks]).toEqual([3, 3, 1]);
  });

  it('maps no more than the program had, so that nothing else is brought', async () => {
    // Two arrays that end within a block of 2 MiB, and holes of less than 64 KiB, which belong to an array.
    const pages = [...Array.from({ length: 100 }, (_, i) => 2 * i), ...Array.from({ length: 70 }, (_, i) => 512 + i)];
    const trace = traceOf([...pages, ...pages].map((page) => [page]));
    const { pagesIn, evictions } = await replayThroughMirror(trace, { room: 270, ...policyOf('uvm'), window: 64 });
    expect(evictions).toBe(0);
    expect(pagesIn).toBeLessThanOrEqual(199 + 70);
    expect(pagesIn).toBeGreaterThanOrEqual(170);
  });

  /** A mirror hears of faults, not of accesses to what is resident. */
  const deaf = (factory: EvictionFactory): EvictionFactory => {
    return (capacity, pageSize) => {
      const policy: EvictionPolicy = factory(capacity, pageSize);
      policy.touch = () => undefined;
      return policy;
    };
  };

  test.each((Object.keys(evictionPolicies) as EvictionName[]).filter((name) => name !== 'random'))(
    'gives up what the policy alone does, one access after another: %s',
    async (name) => {
      // A page is always stored to or never: a store to one that is there for reading is a fault, too, and a mirror hears of it.
      const runs = fc.array(fc.tuple(fc.integer({ min: 0, max: 1100 }), fc.integer({ min: 1, max: 20 })), {
        minLength: 1,
        maxLength: 12,
      });
      const traces = fc
        .oneof(
          fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 80 }),
          runs.map((all) => all.flatMap(([at, length]) => Array.from({ length }, (_, i) => at + i))),
        )
        .map((pages) => pages.map((page): [number, boolean] => [page, page % 3 === 0]));
      await fc.assert(
        fc.asyncProperty(traces, fc.integer({ min: 3, max: 24 }), async (records, room) => {
          const trace = traceOf(records);
          const bare = new BareReplay({ room, eviction: deaf(evictionPolicies[name]) });
          bare.access(trace.pages, 0, trace.pages.length, trace.metas);
          const { pagesIn, evictions, writeBacks } = await replayThroughMirror(trace, {
            ...serial,
            room,
            ...evicting(name),
          });
          expect({ misses: pagesIn, evictions, writeBacks }).toEqual({
            misses: bare.counts.misses,
            evictions: bare.counts.evictions,
            writeBacks: bare.counts.writeBacks,
          });
        }),
        { numRuns: 15 },
      );
    },
    60_000,
  );
});
