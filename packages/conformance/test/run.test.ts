import { memory } from '@mirrorspace/memory';
import { describe, expect, test } from 'vitest';
import { allCases, filterCases, runCases, shuffleCases, type Case, type Report } from '../src/index.js';
import { RW } from '../src/index.js';
import { Rig } from '../src/index.js';
import { caseOf } from './helpers.js';

const never = new Promise<void>(() => undefined);

async function outcome(tested: Case, timeLimitMs = 2000): Promise<Report['results'][number]> {
  const { results } = await runCases({ backend: memory, cases: [tested], timeLimitMs });
  const [only] = results;
  if (!only) throw new Error('the case did not run');
  return only;
}

describe('runCases', () => {
  test('reports what passed, failed and does not apply', async () => {
    const cases = [
      caseOf('good', async () => undefined, { tags: ['hmm:anon_read'] }),
      caseOf('bad', async () => {
        throw new RangeError('too far');
      }),
      caseOf('other', async () => undefined, { needs: ['program:cuda'] }),
    ];
    const report = await runCases({ backend: memory, cases });
    expect(report).toMatchObject({ version: 1, backend: 'memory' });
    expect(report.device).toContain('in-memory');
    const shape = report.results.map(({ address, area, tags, status }) => ({ address, area, tags, status }));
    expect(shape).toEqual([
      { address: 'driver/mapping:good', area: 'mapping', tags: ['hmm:anon_read'], status: 'pass' },
      { address: 'driver/mapping:bad', area: 'mapping', tags: [], status: 'fail' },
      { address: 'driver/mapping:other', area: 'mapping', tags: [], status: 'skip' },
    ]);
    const [good, bad, other] = report.results;
    expect(good).not.toHaveProperty('message');
    expect(good?.timeMs).toBeGreaterThanOrEqual(0);
    expect(bad?.message).toContain('too far');
    expect(other).toMatchObject({ timeMs: 0, message: 'the device does not claim program:cuda' });
  });

  test('a failure names the rule and what to mend', async () => {
    const { message } = await outcome(caseOf('bad', async () => Promise.reject(new RangeError('too far'))));
    expect(message).toContain('RangeError: too far');
    expect(message).toContain('rule: R2: a made-up rule');
    expect(message).toContain('mend: mend the made-up thing');
  });

  test('a case that hangs is bounded and says what it waited for', async () => {
    const hanging = caseOf('hangs', async (env) => {
      const rig = await Rig.open(env);
      rig.start(rig.readCommand(rig.at(0), new Uint8Array(4)));
      env.at('waiting for what never comes');
      await never;
    });
    const { status, message } = await outcome(hanging, 100);
    expect(status).toBe('fail');
    expect(message).toContain('did not end within 100 ms');
    expect(message).toContain('waiting for what never comes');
    expect(message).toContain('(read)');
  });

  test('an expectation that never settles fails the case', async () => {
    const leaving = caseOf('leaves', async (env) => void env.expect('an answer', never));
    expect((await outcome(leaving)).message).toContain('outstanding after the device was closed: an answer');
  });

  test('cleanups run last first, and their failure fails the case', async () => {
    const order: number[] = [];
    const cleaning = caseOf('cleans', async (env) => {
      env.defer(() => void order.push(1));
      env.defer(() => {
        order.push(2);
        throw new Error('no mop');
      });
    });
    expect((await outcome(cleaning)).message).toContain('no mop');
    expect(order).toEqual([2, 1]);
  });

  test('every case gets devices of its own, and they are closed after it', async () => {
    const names: string[] = [];
    const cases = ['one', 'two'].map((name) =>
      caseOf(name, async (env) => {
        const rig = await Rig.open(env);
        await rig.map([0], [0], RW);
        names.push(rig.device.info.name);
      }),
    );
    const { results } = await runCases({ backend: memory, cases });
    expect(results.map(({ status }) => status)).toEqual(['pass', 'pass']);
    expect(names[0]).toBe(names[1]);
  });

  test('the seed decides random numbers and order', async () => {
    const run = async (seed: number): Promise<unknown[]> => {
      const seen: unknown[] = [];
      const cases = Array.from({ length: 12 }, (_, i) => caseOf(`c${i}`, async (env) => void seen.push(i, env.rng())));
      await runCases({ backend: memory, cases, seed });
      return seen;
    };
    expect(await run(7)).toEqual(await run(7));
    expect(await run(7)).not.toEqual(await run(8));
  });
});

describe('filterCases', () => {
  test('by part of an address, wildcard, tag and area', () => {
    expect(filterCases(allCases)).toHaveLength(allCases.length);
    const faults = filterCases(allCases, ['area:fault']);
    expect(faults.length).toBeGreaterThan(20);
    expect(faults.every(({ area }) => area === 'fault')).toBe(true);
    const named = filterCases(allCases, ['mirror/fault:read-unpopulated:pageSize=4096']);
    expect(named.map(({ address }) => address)).toContain('mirror/fault:read-unpopulated:pageSize=4096');
    const wild = filterCases(allCases, ['mirror/*:variant=small']);
    expect(wild.length).toBeGreaterThan(50);
    expect(wild.every(({ address }) => address.startsWith('mirror/') && address.endsWith('small'))).toBe(true);
    const tagged = filterCases(allCases, ['tag:hmm:anon_teardown']);
    expect(tagged.length).toBeGreaterThan(0);
    expect(tagged.every(({ tags }) => tags.includes('hmm:anon_teardown'))).toBe(true);
    expect(filterCases(allCases, ['no such case'])).toEqual([]);
    expect(filterCases(allCases, ['area:fault', 'area:leak']).length).toBeGreaterThan(faults.length);
  });

  test('shuffling keeps every case', () => {
    const shuffled = shuffleCases(allCases, 3);
    expect(shuffled).not.toEqual(allCases);
    expect(new Set(shuffled)).toEqual(new Set(allCases));
  });
});
