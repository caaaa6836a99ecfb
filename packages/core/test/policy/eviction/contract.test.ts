import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evictionPolicies, type EvictionName, FRAME_BLOCKED, FRAME_DIRTY } from '../../../src/policy/index.js';

const CAPACITY = 12;

/** The plainest thing that could be right, on arrays of ids. */
interface Model {
  ids(): number[];
  insert(id: number): void;
  touch(id: number): void;
  remove(id: number): void;
  victims(count: number, blocked: Uint8Array): number[];
}

function queue(moveOnAccess: boolean): Model {
  let order: number[] = [];
  const remove = (id: number) => (order = order.filter((other) => other !== id));
  const touch = (id: number) => {
    if (moveOnAccess && order.includes(id)) order = [...order.filter((other) => other !== id), id];
  };
  return {
    ids: () => order,
    insert: (id) => (order.includes(id) ? touch(id) : order.push(id)),
    touch,
    remove,
    victims(count, blocked) {
      const chosen = order.filter((id) => blocked[id] === 0).slice(0, count);
      chosen.forEach(remove);
      return chosen;
    },
  };
}

/** A ring that turns under the hand; what is removed keeps its place there until the hand comes by, for whatever fills the frame again. */
function clock(): Model {
  let ring: { id: number; state: 'removed' | 'cold' | 'referenced' }[] = [];
  const find = (id: number) => ring.find((entry) => entry.id === id);
  return {
    ids: () => ring.filter(({ state }) => state !== 'removed').map(({ id }) => id),
    insert(id) {
      const entry = find(id);
      if (entry === undefined) ring.push({ id, state: 'cold' });
      else entry.state = 'referenced';
    },
    touch(id) {
      const entry = find(id);
      if (entry !== undefined && entry.state !== 'removed') entry.state = 'referenced';
    },
    remove(id) {
      const entry = find(id);
      if (entry !== undefined) entry.state = 'removed';
    },
    victims(count, blocked) {
      const chosen: number[] = [];
      const isBlocked = ({ id, state }: (typeof ring)[number]) => blocked[id] !== 0 && state !== 'removed';
      while (chosen.length < count && ring.some((entry) => !isBlocked(entry))) {
        const [entry, ...others] = ring as [(typeof ring)[number], ...typeof ring];
        if (isBlocked(entry)) ring = [...others, entry];
        else if (entry.state === 'referenced') ring = [...others, { id: entry.id, state: 'cold' }];
        else {
          ring = others;
          if (entry.state === 'cold') chosen.push(entry.id);
        }
      }
      return chosen;
    },
  };
}

const models: Partial<Record<EvictionName, () => Model>> = { lru: () => queue(true), fifo: () => queue(false), clock };
const names = Object.keys(evictionPolicies) as EvictionName[];
const modelled = Object.keys(models) as (keyof typeof models)[];
/** Policies whose state is more than a few words a frame: they remember pages, or group them. */
const LARGE: readonly EvictionName[] = ['2q', 'arc', 's3-fifo', 'sequential-local', 'tree'];
const make = (name: EvictionName, capacity: number) => evictionPolicies[name](capacity, 4096);

const ids = fc.array(fc.integer({ min: 0, max: CAPACITY - 1 }), { maxLength: 6 });
const step = fc.oneof(
  fc.record({ op: fc.constantFrom('insert' as const, 'touch' as const, 'remove' as const), ids }),
  fc.record({ op: fc.constant('victims' as const), count: fc.integer({ min: 0, max: CAPACITY + 2 }), blocked: ids }),
);

const anyStep = fc.record({
  op: fc.constantFrom('insert', 'insert', 'touch', 'remove', 'flags', 'victims', 'victims'),
  ids,
  pages: fc.array(fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 2 ** 40, max: 2 ** 40 + 3000 })), {
    maxLength: 6,
  }),
  count: fc.integer({ min: 0, max: CAPACITY }),
});

test.each([1, 2, 3])('lru keeps the order over more accesses than it counts up to, seed %d', (seed) => {
  const capacity = 700;
  const policy = make('lru', capacity);
  /** A Map iterates in the order in which its keys were set. */
  const model = new Map<number, true>();
  const blocked = new Uint8Array(capacity);
  const out = new Uint32Array(capacity);
  const random = fc.sample(fc.array(fc.nat(), { minLength: 50_000, maxLength: 50_000, size: 'max' }), {
    seed,
    numRuns: 1,
  })[0]!;
  const ids = new Uint32Array(16);
  for (let at = 0; at + 20 < random.length; at += 20) {
    // Skewed: some frames are accessed all the time, others hardly ever.
    for (let i = 0; i < ids.length; i++) ids[i] = ((random[at + i]! % capacity) * (random[at + i]! % 97)) % capacity;
    for (let again = 0; again < 10; again++) {
      policy.insert(ids, ids.length);
      for (const id of ids) {
        model.delete(id);
        model.set(id, true);
      }
    }
    blocked[random[at + 16]! % capacity]! ^= Number(random[at + 17]! % 4 === 0);
    const wanted = random[at + 18]! % 8;
    const chosen = [...model.keys()].filter((id) => blocked[id] === 0).slice(0, wanted);
    for (const id of chosen) model.delete(id);
    expect([...out.subarray(0, policy.victims(out, wanted, blocked))]).toEqual(chosen);
    expect(policy.size).toBe(model.size);
  }
});

describe.each(modelled)('%s', (name) => {
  test('chooses what the plain model chooses', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const policy = make(name, CAPACITY);
        const model = models[name]!();
        expect(policy.name).toBe(name);
        for (const s of steps) {
          if (s.op === 'victims') {
            const blocked = new Uint8Array(CAPACITY);
            for (const id of s.blocked) blocked[id] = 1;
            const out = new Uint32Array(CAPACITY + 2);
            const count = policy.victims(out, s.count, blocked);
            expect([...out.subarray(0, count)]).toEqual(model.victims(s.count, blocked));
          } else {
            policy[s.op](Uint32Array.from(s.ids), s.ids.length);
            s.ids.forEach((id) => model[s.op](id));
          }
          expect(policy.size).toBe(model.ids().length);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe.each(names)('%s', (name) => {
  test('tracks what it is told, and gives up only what may be, as much as it is asked for', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 80 }), fc.integer({ min: 1, max: CAPACITY }), (steps, outLength) => {
        const policy = make(name, CAPACITY);
        expect(policy.name).toBe(name);
        const tracked = new Set<number>();
        const flags = new Uint8Array(CAPACITY);
        for (const { op, ids: some, pages, count } of steps) {
          if (op === 'insert') {
            const known = Float64Array.from(some, (_, i) => pages[i % pages.length] ?? NaN);
            policy.insert(Uint32Array.from(some), some.length, pages.length === 0 ? undefined : known);
            some.forEach((id) => tracked.add(id));
          } else if (op === 'touch') {
            policy.touch(Uint32Array.from(some), some.length);
          } else if (op === 'remove') {
            policy.remove(Uint32Array.from(some), some.length);
            some.forEach((id) => tracked.delete(id));
          } else if (op === 'flags') {
            for (const id of some) flags[id]! ^= count % 2 === 0 ? FRAME_DIRTY : 1 << (count % 7);
          } else {
            const out = new Uint32Array(outLength);
            const wanted = Math.min(count, outLength);
            const taken = policy.victims(
              out,
              wanted,
              flags,
              Float64Array.from({ length: wanted }, (_, i) => pages[i] ?? NaN),
            );
            const may = [...tracked].filter((id) => (flags[id]! & FRAME_BLOCKED) === 0);
            expect(taken).toBeGreaterThanOrEqual(Math.min(wanted, may.length));
            expect(taken).toBeLessThanOrEqual(Math.min(outLength, wanted + (policy.overshoot ?? 0)));
            if (wanted === 0) expect(taken).toBe(0);
            const victims = [...out.subarray(0, taken)];
            expect(new Set(victims).size).toBe(taken);
            expect(victims.filter((id) => !may.includes(id))).toEqual([]);
            victims.forEach((id) => tracked.delete(id));
          }
          expect(policy.size).toBe(tracked.size);
        }
      }),
      { numRuns: 400 },
    );
  });

  test('gives up every frame once and only once, blocked ones when they are free again', () => {
    const policy = make(name, 1000);
    policy.insert(
      Uint32Array.from({ length: 1000 }, (_, id) => id),
      1000,
    );
    const blocked = new Uint8Array(1000).fill(1);
    const out = new Uint32Array(1000);
    expect(policy.victims(out, 10, blocked)).toBe(0);
    blocked.fill(0, 300, 700);
    expect(policy.victims(out, 1000, blocked)).toBe(400);
    const first = [...out.subarray(0, 400)];
    blocked.fill(0);
    expect(policy.victims(out, 1000, blocked)).toBe(600);
    expect(new Set([...first, ...out.subarray(0, 600)]).size).toBe(1000);
    expect(policy.size).toBe(0);
    expect(policy.victims(out, 1000, blocked)).toBe(0);
  });

  test('only the first `count` ids count, and ids beyond the capacity are ignored or refused', () => {
    const policy = make(name, 4);
    policy.insert(Uint32Array.of(1, 2, 3), 2);
    policy.touch(Uint32Array.of(3, 4, 5), 3);
    policy.remove(Uint32Array.of(3, 4, 5), 3);
    expect(() => policy.insert(Uint32Array.of(0, 4), 2)).toThrow(RangeError);
    expect(policy.size).toBe(2);
    const out = new Uint32Array(4);
    expect([...out.subarray(0, policy.victims(out, 4, new Uint8Array(4)))].sort()).toEqual([1, 2]);
  });

  test('costs few bytes a frame', () => {
    const most = modelled.includes(name) ? 9 : LARGE.includes(name) ? 51 : 24;
    expect(make(name, 100_000).bytes).toBeLessThanOrEqual(most * 100_001);
  });

  test('allocates nothing once it is warm', () => {
    // What grows is in `bytes`: it must not, however long pages come and go.
    const policy = make(name, 256);
    const flags = new Uint8Array(256);
    const out = new Uint32Array(256);
    let next = 0;
    const round = () => {
      for (let i = 0; i < 2000; i++) {
        if (policy.size === 256) policy.victims(out, 1, flags);
        else policy.insert(Uint32Array.of(out[next % 256]! % 256), 1, Float64Array.of((next * 7919) % 5003));
        if (policy.size < 256) policy.insert(Uint32Array.of(next % 256), 1, Float64Array.of((next * 104729) % 5003));
        policy.touch(Uint32Array.of((next * 31) % 256), 1);
        next++;
      }
    };
    for (let i = 0; i < 5; i++) round();
    const { bytes } = policy;
    for (let i = 0; i < 10; i++) round();
    expect(policy.bytes).toBe(bytes);
  });

  test.each([-1, 0.5, NaN, 2 ** 30])('refuses a capacity of %d', (capacity) => {
    expect(() => make(name, capacity)).toThrow(RangeError);
  });

  test('works without any frame', () => {
    expect(make(name, 0).victims(new Uint32Array(1), 1, new Uint8Array(0))).toBe(0);
  });
});
