import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFaultBatch } from '../../src/driver/index.js';
import { FaultRing } from '../../src/kit/index.js';

describe('FaultRing', () => {
  it('counts what its device had no room for', () => {
    const ring = new FaultRing(1);
    ring.report(0, 1, 1, 0);
    expect(ring.report(0, 2, 1, 0)).toBe(false);
    ring.drop(5);
    expect([ring.pending, ring.dropped]).toEqual([1, 6]);
  });

  it('behaves as a bounded list without duplicates', () => {
    const fault = fc.record({
      mmu: fc.constantFrom(0, 1, 65_535),
      page: fc.constantFrom(0, 1, 2, 2 ** 31, 2 ** 34, 2 ** 35 - 1),
      access: fc.constantFrom(1, 2, 3),
    });
    const step = fc.oneof(
      { weight: 4, arbitrary: fault },
      fc.record({ drain: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ purge: fc.constantFrom(0, 1) }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.array(step, { maxLength: 80 }), (capacity, steps) => {
        const ring = new FaultRing(capacity);
        let model: string[] = [];
        let dropped = 0;
        for (const s of steps) {
          if ('drain' in s) {
            const batch = createFaultBatch(s.drain);
            ring.drain(batch);
            const got = Array.from(
              { length: batch.count },
              (_, i) => `${batch.mmus[i]}/${batch.pages[i]}/${batch.access[i]}`,
            );
            expect(got).toEqual(model.splice(0, s.drain));
          } else if ('purge' in s) {
            ring.purge(s.purge);
            model = model.filter((key) => !key.startsWith(`${s.purge}/`));
          } else {
            const key = `${s.mmu}/${s.page}/${s.access}`;
            const fits = model.includes(key) || model.length < capacity;
            expect(ring.report(s.mmu, s.page, s.access, 0)).toBe(fits);
            if (!fits) dropped++;
            else if (!model.includes(key)) model.push(key);
          }
          expect([ring.pending, ring.dropped]).toEqual([model.length, dropped]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('runs the listener again, not inside itself, when woken by it', () => {
    const ring = new FaultRing(4);
    let depth = 0;
    let calls = 0;
    ring.listen(() => {
      expect(depth++).toBe(0);
      if (++calls < 3) ring.wake();
      depth--;
    });
    ring.wake();
    expect(calls).toBe(3);
    ring.listen(null);
    ring.wake();
    expect(calls).toBe(3);
  });

  it('calls a listener that comes late if something is stalled', () => {
    const ring = new FaultRing(4);
    ring.stalled = 1;
    let calls = 0;
    ring.listen(() => calls++);
    expect(calls).toBe(1);
  });

  it('refuses a capacity that is none', () => {
    for (const capacity of [0, -1, 1.5, NaN]) expect(() => new FaultRing(capacity)).toThrow(RangeError);
  });
});
