import { memory } from '@mirrorspace/memory';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { forkRunner } from '../src/cli/fork.js';
import { type Case, guardCases, type GuardOptions, runForGuard, type RunnerMessage } from '../src/index.js';
import { caseOf } from './helpers.js';

const never = new Promise<void>(() => undefined);
const good = (name: string): Case => caseOf(name, async () => undefined);
const ofAddresses = (cases: readonly Case[]): string[] => cases.map(({ address }) => address);

/** Guards cases that run in this process; `started` counts runners, `killed` those that were ended. */
async function guarded(cases: readonly Case[], options: Partial<GuardOptions> = {}) {
  const counts = { started: 0, killed: 0 };
  const report = await guardCases({
    addresses: ofAddresses(cases),
    cases,
    start: (addresses, heard) => {
      counts.started++;
      void runForGuard({ backend: memory, addresses, cases, timeLimitMs: 60_000 }, heard);
      return { kill: () => void counts.killed++ };
    },
    ...options,
  });
  return {
    report,
    counts,
    outcomes: report.results.map(({ address, status }) => `${address.split(':')[1]} ${status}`),
  };
}

describe('a guarded run', () => {
  test('reports what an unguarded one does', async () => {
    const bad = caseOf('bad', () => Promise.reject(new RangeError('too far')));
    const other = caseOf('other', async () => undefined, { needs: ['program:cuda'] });
    const seen: string[] = [];
    const { report, counts, outcomes } = await guarded([good('good'), bad, other], {
      onResult: ({ address }, done, total) => void seen.push(`${address} ${done}/${total}`),
    });
    expect(report).toMatchObject({ version: 1, backend: 'memory' });
    expect(report.device).toContain('in-memory');
    expect(outcomes).toEqual(['good pass', 'bad fail', 'other skip']);
    expect(report.results[1]!.message).toContain('rule: R2: a made-up rule');
    expect(seen).toEqual(['driver/mapping:good 1/3', 'driver/mapping:bad 2/3', 'driver/mapping:other 3/3']);
    expect(counts).toEqual({ started: 1, killed: 1 });
  });

  test('a silent case fails, and the others run in a new runner', async () => {
    const { report, counts, outcomes } = await guarded([good('first'), caseOf('silent', () => never), good('last')], {
      silenceMs: 200,
    });
    expect(outcomes).toEqual(['first pass', 'silent fail', 'last pass']);
    expect(report.results[1]!.message).toBe('killed, after 200 ms without a sign of life');
    expect(counts).toEqual({ started: 2, killed: 2 });
  });

  test('an error that nobody awaited fails the case it came from', async () => {
    const careless = caseOf('careless', async () => void Promise.reject(new Error('lost sight of')));
    const { report, outcomes } = await guarded([good('first'), careless, good('last')]);
    expect(outcomes).toEqual(['first pass', 'careless fail', 'last pass']);
    expect(report.results[1]!.message).toContain('nobody awaited: lost sight of');
  });

  test('gives up after so many lost runners', async () => {
    const cases = ['a', 'b', 'c', 'd'].map((name) => caseOf(name, () => never));
    const { report, counts, outcomes } = await guarded(cases, { silenceMs: 50, mostLost: 2 });
    expect(outcomes).toEqual(['a fail', 'b fail', 'c fail', 'd fail']);
    expect(report.results[3]!.message).toContain('not run');
    expect(counts.started).toBe(2);
  });

  test('rejects when no case can be run', async () => {
    const start = (message: RunnerMessage): Partial<GuardOptions> => ({
      start: (_, heard) => {
        queueMicrotask(() => heard(message));
        return { kill: () => undefined };
      },
    });
    await expect(guarded([good('a')], start({ kind: 'refused', message: 'no device here' }))).rejects.toThrow(
      'no device here',
    );
    await expect(guarded([good('a')], start({ kind: 'gone', reason: 'no memory' }))).rejects.toThrow(
      /first case: .*no memory/,
    );
    await expect(guarded([good('a')], { start: () => Promise.reject(new Error('no page')) })).rejects.toThrow(
      'no page',
    );
    await expect(guarded([good('a')], { addresses: ['driver/no:such'] })).rejects.toThrow(RangeError);
  });
});

describe('a runner in a process of its own', () => {
  const program = fileURLToPath(new URL('fixtures/runner.mjs', import.meta.url));

  test('that hangs or dies costs the case it is in', async () => {
    const cases = ['first', 'hangs', 'between', 'dies', 'last'].map(good);
    const { report, outcomes } = await guarded(cases, {
      silenceMs: 2000,
      start: (addresses, heard) => forkRunner(program, { backend: 'memory', addresses }, heard),
    });
    expect(outcomes).toEqual(['first pass', 'hangs fail', 'between pass', 'dies fail', 'last pass']);
    expect(report.results[1]!.message).toContain('without a sign of life');
    expect(report.results[3]!.message).toContain('SIGABRT');
    expect(() => process.kill(Number(report.device.split(' ')[1]), 0)).toThrow('ESRCH');
  });
});
