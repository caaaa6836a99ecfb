import { type PrefetchRequest, prefetchPolicies } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';

const PAGE = 4096;
const BLOCK = 512;
const [UNIT, BIG] = [16, 64];
const NAMES = ['unit', 'big unit', 'half block', 'block'];
const REASONS = [...NAMES, ...NAMES.map((name) => `${name}, a try`), 'gap'];

/** A policy that is asked about a region of 64 blocks. */
class Rig {
  readonly policy = prefetchPolicies.units(PAGE);
  readonly there = new Set<number>();
  private readonly out = new Float64Array(4096);
  private readonly why = new Uint8Array(4096);

  /** What it brings for a batch, and why, by page. */
  ask(faults: readonly number[], more: Partial<PrefetchRequest> = {}): Map<number, string | undefined> {
    this.why.fill(0);
    const request = {
      ...{ faults: Float64Array.from(faults), count: faults.length, regionStart: 0, regionEnd: 64 * BLOCK },
      ...{ room: 4096, free: 0, resident: (page: number) => this.there.has(page), ...more },
    };
    const count = this.policy.plan(request, this.out, this.why);
    return new Map(Array.from({ length: count }, (_, i) => [this.out[i]!, this.policy.reasons?.[this.why[i]!]]));
  }

  /** Says of everything that a batch brought whether it was used. */
  answer(faults: readonly number[], used: boolean): number {
    const brought = this.ask(faults);
    for (const [page, why] of brought) this.policy.feedback?.(page, used, REASONS.indexOf(why!));
    return brought.size;
  }
}

/** Batches of faults in blocks of their own. */
const alone = (block: number) => [block * BLOCK + 5];
/** 250 faults in one batch, each in a unit of its own. */
const scattered = Array.from({ length: 250 }, (_, i) => i * 2 * UNIT + ((i * 7) % UNIT));

describe('units', () => {
  it('says why', () => {
    expect(new Rig().policy.reasons).toEqual(REASONS);
  });

  it('brings whole blocks as long as nothing is known, and nothing twice or outside of the region', () => {
    const rig = new Rig();
    for (const page of [0, 1, 2, 300]) rig.there.add(page);
    const brought = rig.ask([5], { regionStart: 2, regionEnd: 500 });
    const expected = Array.from({ length: 500 }, (_, page) => page).filter(
      (page) => page > 2 && page !== 5 && page !== 300,
    );
    expect([...brought.keys()]).toEqual(expected);
    expect(new Set(brought.values())).toEqual(new Set(['block']));
  });

  it('brings no more than there is room, and no unit that pushes out more than 22 percent of what may leave', () => {
    const four = [0, 1, 2, 3].map((unit) => unit * UNIT);
    expect(new Rig().ask(four, { room: 73 }).size).toBe(60);
    expect(new Rig().ask([5], { room: 72 }).size).toBe(0);
    expect(new Rig().ask([5], { room: 1163 }).size).toBe(BIG - 1);
    expect(new Rig().ask([5], { room: 1164 }).size).toBe(BLOCK / 2 - 1);
    expect(new Rig().ask([5], { room: 2327 }).size).toBe(BLOCK / 2 - 1);
    expect(new Rig().ask([5], { room: 2328 }).size).toBe(BLOCK - 1);
    expect(new Rig().ask([5], { room: BLOCK, free: BLOCK }).size).toBe(BLOCK - 1);
  });

  it('ends with single pages where nothing that it brings is used, and tries more now and then', () => {
    const rig = new Rig();
    let brought = 0;
    for (let i = 0; i < 200; i++) brought = rig.answer(scattered, false);
    expect(brought).toBeLessThan(2 * UNIT);
    let tried = 0;
    for (let i = 0; i < 100; i++) for (const why of rig.ask(scattered).values()) tried += Number(why === 'unit, a try');
    expect(tried).toBeGreaterThan(0);
    expect(tried).toBeLessThan((100 * 250 * UNIT) / 10);
  });

  it('goes on with whole blocks where they are used', () => {
    const rig = new Rig();
    for (let block = 0; block < 40; block++) expect(rig.answer(alone(block), true)).toBe(BLOCK - 1);
  });

  it('takes what is used too late for brought in vain', () => {
    const [soon, late] = [new Rig(), new Rig()];
    for (const rig of [soon, late]) {
      for (let round = 0; round < 60; round++) {
        const brought = rig.ask(scattered);
        // Twice the time within which a block is worth it goes by: 2 x (1200 + 512 + 4 x 512) pages come elsewhere.
        if (rig === late) for (let block = 20; block < 60; block++) rig.ask(alone(block), { free: BLOCK });
        for (const [page, why] of brought) rig.policy.feedback?.(page, true, REASONS.indexOf(why!));
      }
    }
    expect(soon.ask(scattered).size).toBeGreaterThan(2 * late.ask(scattered).size);
  });

  it('brings more for a batch of one fault than for one of many, since batches cost', () => {
    const few = new Rig();
    const many = new Rig();
    // Of units of 64 KiB half is used, of those of 256 KiB three in eight, of larger ones nothing.
    for (const rig of [few, many]) {
      for (let i = 0; i < 4000; i++) {
        rig.policy.feedback?.(i % BLOCK, i % 2 === 0, REASONS.indexOf('unit'));
        rig.policy.feedback?.(i % BLOCK, i % 8 < 3, REASONS.indexOf('big unit'));
        for (const why of ['half block', 'block']) rig.policy.feedback?.(i % BLOCK, false, REASONS.indexOf(why));
      }
    }
    const free = { free: 4096 };
    const crowd = Array.from({ length: 32 }, (_, i) => i * UNIT);
    for (let i = 0; i < 20; i++) {
      few.ask([3], free);
      many.ask([...crowd, ...scattered.slice(32).map((page) => page + BLOCK)], free);
    }
    expect(new Set(few.ask([3], free).values())).toContain('big unit');
    expect(few.ask([3], free).size).toBeGreaterThanOrEqual(BIG - 1);
    expect(new Set(many.ask(crowd, free).values())).not.toContain('big unit');
  });

  it('brings the gap between two faults, of up to four pages', () => {
    const rig = new Rig();
    for (let i = 0; i < 200; i++) rig.answer(scattered, false);
    const gaps = [...rig.ask([100, 105, 111]).entries()].filter(([, why]) => why === 'gap');
    expect(gaps.map(([page]) => page)).toEqual([101, 102, 103, 104]);
  });

  it('has nothing to bring where a page is as large as a block', () => {
    const policy = prefetchPolicies.units(2 ** 21);
    const request = {
      faults: Float64Array.of(3),
      count: 1,
      regionStart: 0,
      regionEnd: 64,
      room: 64,
      resident: () => false,
    };
    expect(policy.plan(request, new Float64Array(64))).toBe(0);
  });
});
