import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evictionPolicies, type EvictionName } from '../../src/policy/index.js';

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

function clock(): Model {
  const referenced = new Map<number, boolean>();
  let hand = 0;
  return {
    ids: () => [...referenced.keys()],
    insert: (id) => referenced.set(id, true),
    touch: (id) => referenced.has(id) && referenced.set(id, true),
    remove: (id) => referenced.delete(id),
    victims(count, blocked) {
      const chosen: number[] = [];
      const eligible = () => [...referenced.keys()].some((id) => blocked[id] === 0);
      while (chosen.length < count && eligible()) {
        const id = hand;
        hand = (hand + 1) % CAPACITY;
        if (!referenced.has(id) || blocked[id] !== 0) continue;
        if (referenced.get(id)) referenced.set(id, false);
        else if (referenced.delete(id)) chosen.push(id);
      }
      return chosen;
    },
  };
}

const models: Record<EvictionName, () => Model> = { lru: () => queue(true), fifo: () => queue(false), clock };
const names = Object.keys(evictionPolicies) as EvictionName[];

const ids = fc.array(fc.integer({ min: 0, max: CAPACITY - 1 }), { maxLength: 6 });
const step = fc.oneof(
  fc.record({ op: fc.constantFrom('insert' as const, 'touch' as const, 'remove' as const), ids }),
  fc.record({ op: fc.constant('victims' as const), count: fc.integer({ min: 0, max: CAPACITY + 2 }), blocked: ids }),
);

test.each([1, 2, 3])('lru keeps the order over more accesses than it counts up to, seed %d', (seed) => {
  const capacity = 700;
  const policy = evictionPolicies.lru(capacity);
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

describe.each(names)('%s', (name) => {
  test('chooses what the plain model chooses', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const policy = evictionPolicies[name](CAPACITY);
        const model = models[name]();
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

  test('gives up every frame once and only once, blocked ones when they are free again', () => {
    const policy = evictionPolicies[name](1000);
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
    const policy = evictionPolicies[name](4);
    policy.insert(Uint32Array.of(1, 2, 3), 2);
    policy.touch(Uint32Array.of(3, 4, 5), 3);
    policy.remove(Uint32Array.of(3, 4, 5), 3);
    expect(() => policy.insert(Uint32Array.of(0, 4), 2)).toThrow(RangeError);
    expect(policy.size).toBe(2);
    const out = new Uint32Array(4);
    expect([...out.subarray(0, policy.victims(out, 4, new Uint8Array(4)))].sort()).toEqual([1, 2]);
  });

  test('costs at most 8 bytes a frame', () => {
    expect(evictionPolicies[name](100_000).bytes).toBeLessThanOrEqual(8 * 100_001);
  });

  test.each([-1, 0.5, NaN, 2 ** 30])('refuses a capacity of %d', (capacity) => {
    expect(() => evictionPolicies[name](capacity)).toThrow(RangeError);
  });

  test('works without any frame', () => {
    expect(evictionPolicies[name](0).victims(new Uint32Array(1), 1, new Uint8Array(0))).toBe(0);
  });
});
