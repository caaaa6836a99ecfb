import { describe, expect, it } from 'vitest';
import { thrashingPolicies, UvmThrashing } from '../../src/policy/index.js';

const [HOST, GPU] = [-1, 0];

/** Worked by hand by the parameters of uvm_perf_thrashing: a lapse of 500 us, 3 events, 10 throttles, a nap of 1 lapse, a pin of 300. */
describe('thrashing, as NVIDIA’s driver finds it', () => {
  const bounce = (policy: UvmThrashing, times: number, apart: number, from = 0) => {
    for (let i = 0; i < times; i++) policy.note(7, i % 2 === 0 ? GPU : HOST, from + i * apart);
  };

  it('a page that moved three times within the lapse thrashes, two do not', () => {
    const policy = new UvmThrashing();
    bounce(policy, 2, 400);
    expect(policy.isThrashing(7, 500)).toBe(false);
    bounce(policy, 1, 400, 800);
    expect(policy.isThrashing(7, 900)).toBe(true);
    expect(policy.isThrashing(8, 900)).toBe(false);
  });

  it('moves that are further apart begin anew', () => {
    const policy = new UvmThrashing();
    bounce(policy, 20, 501);
    expect(policy.isThrashing(7, 11_000)).toBe(false);
  });

  it('the first to come has it for a nap, others are throttled until then, and ten throttles pin it for 300 lapses', () => {
    const policy = new UvmThrashing();
    bounce(policy, 3, 400);
    expect(policy.hint(7, GPU, 1000).kind).toBe('none');
    for (let i = 1; i < 10; i++)
      expect({ ...policy.hint(7, HOST, 1000 + i) }).toEqual({ kind: 'throttle', place: GPU, until: 1500 });
    expect({ ...policy.hint(7, HOST, 1010) }).toEqual({ kind: 'pin', place: GPU, until: 1010 + 300 * 500 });
    expect(policy.hint(7, HOST, 150_000).kind).toBe('pin');
    expect(policy.hint(7, HOST, 151_010).kind).toBe('none');
  });

  it('after a nap it is another’s turn', () => {
    const policy = new UvmThrashing();
    bounce(policy, 3, 400);
    policy.hint(7, GPU, 1000);
    expect(policy.hint(7, HOST, 1500).kind).toBe('none');
    expect({ ...policy.hint(7, GPU, 1600) }).toEqual({ kind: 'throttle', place: HOST, until: 2000 });
  });

  it('all is forgotten after 2,000 lapses, four times', () => {
    const policy = new UvmThrashing({ epoch: 2 });
    bounce(policy, 3, 400);
    for (let reset = 1; reset <= 4; reset++) {
      policy.note(7, GPU, reset * 2000);
      expect(policy.isThrashing(7, reset * 2000)).toBe(false);
      bounce(policy, 2, 1, reset * 2000 + 1);
      expect(policy.isThrashing(7, reset * 2000 + 2)).toBe(true);
    }
    policy.note(7, GPU, 100_000);
    expect(policy.isThrashing(7, 100_000)).toBe(true);
  });

  it('counts as many resets as may be asked for', () => {
    const policy = new UvmThrashing({ epoch: 1, maxResets: 300 });
    policy.note(7, GPU, 0);
    for (let reset = 1; reset <= 300; reset++) policy.note(7, GPU, reset * 2000);
    bounce(policy, 5, 1, 602_000);
    // A lapse without a move: it is thrashing for good now.
    expect(policy.isThrashing(7, 10 ** 9)).toBe(true);
  });

  it('the lapse moves by an eighth after 32 votes, within bounds', () => {
    const policy = new UvmThrashing();
    bounce(policy, 33, 600);
    expect(policy.lapseUs).toBe(562.5);
    const short = new UvmThrashing({ lapseUs: 5 });
    bounce(short, 200, 1);
    expect(short.lapseUs).toBe(5);
  });

  it('watches so many pages, and forgets the first for another', () => {
    const policy = new UvmThrashing({ pages: 1 });
    bounce(policy, 3, 1);
    expect(policy.isThrashing(7, 2)).toBe(true);
    policy.note(8, GPU, 3);
    expect(policy.isThrashing(7, 3)).toBe(false);
  });

  it('none watches nothing', () => {
    const none = thrashingPolicies.none();
    for (let i = 0; i < 5; i++) none.note(1, GPU, i);
    expect([none.isThrashing(1, 5), none.hint(1, HOST, 5).kind]).toEqual([false, 'none']);
  });
});
