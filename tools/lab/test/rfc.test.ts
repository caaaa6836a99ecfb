import { describe, expect, it, vi } from 'vitest';
import { timeCallbacks } from '../src/rfc/callbacks.js';
import { timeChanges } from '../src/rfc/changes.js';
import { coalesce } from '../src/rfc/coalescing.js';
import * as experiment from '../src/rfc/experiment.js';
import { timeHarvest } from '../src/rfc/harvests.js';
import { plot } from '../src/rfc/plot.js';
import { fencesAcrossQueues, placementsUnderLoad } from '../src/rfc/queues.js';
import { describe as describeFindings } from '../src/rfc/report.js';
import { BASE, live } from '../src/rfc/scenario.js';
import { timeShrinker } from '../src/rfc/shrinker.js';

// Devices and spaces by the dozen: seconds, on a machine that others use.
vi.setConfig({ testTimeout: 60_000 });

const SMALL: experiment.Extent = {
  fronts: [0, 2, 20],
  unitCosts: [1],
  units: [64, 4096],
  rounds: [10, 1000, 100_000],
  pagesPerTurn: [10, 1000],
  loads: ['nothing', 'launches', 'copies'],
  samples: 2,
  phases: 16,
};

describe('callbacks and flushes', () => {
  it('share one submission and two commands among all pages of a turn', async () => {
    for (const pages of [1, 100, 1000]) {
      const { submissions, commandsPerPage } = await live({ ...BASE, front: 3, pages });
      expect(submissions).toBe(1);
      expect(commandsPerPage).toBeCloseTo(2 / pages, 9);
    }
  });

  it('take as long whatever stands in front of them in the user queue, if they have a queue of priority', async () => {
    const few = await live({ ...BASE, front: 10 });
    const many = await live({ ...BASE, front: 200 });
    expect(many.flushUs).toBe(few.flushUs);
    expect(few.flushUs).toBeLessThan(BASE.roundUs + 20);
    expect(many.lostUs).toBeLessThan(20);
  });

  it('take longer with all that is in front, in the user queue', async () => {
    const few = await live({ ...BASE, front: 10, placement: 'user' });
    const many = await live({ ...BASE, front: 200, placement: 'user' });
    expect(few.flushUs).toBeGreaterThan(10 * BASE.roundUs);
    expect(many.flushUs).toBeGreaterThan(200 * BASE.roundUs);
    expect(many.submissions).toBe(2);
  });

  it('coalesce over turns where flushes wait in the user queue, and within a turn elsewhere', async () => {
    expect(await coalesce('paging', 100)).toMatchObject({ turns: 10, submissions: 10, commands: 20 });
    expect(await coalesce('user', 100)).toMatchObject({ turns: 10, submissions: 2, commands: 2 });
  });

  it('come to the same every time', async () => {
    const scenario = { ...BASE, front: 5, preemption: 'weigh', preemptionUs: 1, flushes: 3, pages: 4 } as const;
    expect(await live(scenario)).toEqual(await live(scenario));
  });
});

describe('placements', () => {
  it('differ where a queue is loaded, and where a user queue comes first', async () => {
    const rows = await placementsUnderLoad(['nothing', 'copies', 'both']);
    const flushOf = (priorities: string, load: string) =>
      rows.find((row) => row.priorities === priorities && row.load === load)!.flushUs;
    for (const priorities of ['none', 'paging first', 'a user queue first'])
      expect(new Set(Object.values(flushOf(priorities, 'nothing'))).size).toBe(1);
    const copies = flushOf('none', 'copies');
    expect(copies['least-loaded']).toBeLessThan(copies.paging / 10);
    const both = flushOf('a user queue first', 'both');
    expect(both['highest-priority']).toBeLessThan(both['least-loaded']);
    expect(both['least-loaded']).toBeLessThan(both.paging / 10);
  });

  it('keep updates in order by fences, which makes all wait for a loaded queue', async () => {
    const rows = await fencesAcrossQueues(['nothing', 'copies']);
    const of = (order: string, load: string) => rows.find((row) => row.order === order && row.load === load)!;
    expect(of('the first paging queue', 'nothing').fences).toBe(0);
    expect(of('both paging queues in turn', 'nothing').fences).toBe(31);
    const [free, turns] = [of('the second paging queue', 'copies'), of('both paging queues in turn', 'copies')];
    expect(turns.meanUs).toBeGreaterThan(2 * free.meanUs);
  });
});

describe('preemption', () => {
  const cost = { ...BASE, front: 2, pages: 1, units: 256, preemptionUs: 1 } as const;

  it('is the quicker way where a round takes longer than saving its units, and the slower where not', async () => {
    for (const [roundUs, quicker] of [
      [1000, 'always'],
      [100, 'never'],
    ] as const) {
      const wait = await live({ ...cost, roundUs, preemption: 'never' });
      const interrupt = await live({ ...cost, roundUs, preemption: 'always' });
      expect(interrupt.flushUs < wait.flushUs ? 'always' : 'never').toBe(quicker);
      expect(interrupt.preemptions).toBe(1);
      expect(interrupt.lostUs).toBeGreaterThan(wait.lostUs + 200);
    }
  });

  it('breaks even at about its cost, and at twice that for updates at random moments', async () => {
    const found = await experiment.breakEvens({ ...SMALL, units: [256] });
    expect(found.map(({ costUs }) => costUs)).toEqual([256]);
    expect(Math.abs(found[0]!.roundUs - 256)).toBeLessThan(10);
    expect(found[0]!.randomRoundUs / 256).toBeCloseTo(2, 1);
  });

  it('is chosen by weighing on the side where it pays', async () => {
    const rows = await experiment.preemptions(SMALL);
    const of = (units: number, preemption: string) =>
      rows.find(({ scenario }) => scenario.units === units && scenario.preemption === preemption)!.outcome;
    expect(of(64, 'weigh').preemptions).toBeGreaterThan(25);
    expect(of(64, 'weigh').flushUs).toBeLessThan(of(64, 'never').flushUs / 2);
    expect(of(4096, 'weigh').preemptions).toBe(0);
    expect(of(4096, 'weigh').flushUs).toBeLessThan(of(4096, 'always').flushUs / 2);
  });

  it('makes no difference to what waits in the user queue', async () => {
    for (const preemption of ['never', 'always'] as const) {
      const { flushUs, preemptions } = await live({ ...cost, placement: 'user', preemption });
      expect(flushUs).toBeGreaterThan(2 * BASE.roundUs);
      expect(preemptions).toBe(0);
    }
  });
});

describe('what asks a device', () => {
  it('waits a round for each command', async () => {
    const once = await timeHarvest({ priorities: true, front: 20, pagesPerCommand: 65_536 });
    const often = await timeHarvest({ priorities: true, front: 20, pagesPerCommand: 256 });
    expect([once.commands, often.commands]).toEqual([1, 4]);
    expect([once.dirty, often.dirty]).toEqual([256, 256]);
    expect(often.us).toBeGreaterThan(3 * once.us);
    const shrink = { pages: 'written', front: 20, preemption: 'never' } as const;
    const alone = await timeShrinker({ ...shrink, accessedBits: false });
    const asking = await timeShrinker({ ...shrink, accessedBits: true });
    expect([alone.freed, asking.freed]).toEqual([256, 256]);
    expect(asking.us - alone.us).toBeGreaterThan(BASE.roundUs);
  });

  it('is told of a change in one submission, or asked to give pages up before, or not concerned', async () => {
    const rows = await timeChanges(['unmap', 'reclaim', 'same-page merging', 'host migration, migrate']);
    const of = (name: string) => rows.find(({ change, had }) => change === name && had === 'written');
    expect(of('unmap')).toMatchObject({ marked: 256, submissions: 1, commands: 2, pagesHome: 0 });
    expect(of('reclaim')).toMatchObject({ marked: 0, submissions: 1, commands: 3, pagesHome: 256 });
    for (const name of ['same-page merging', 'host migration, migrate'])
      expect(of(name)).toMatchObject({ marked: 0, submissions: 0, idleUs: 0, behindUs: 0 });
  });
});

describe('the report', () => {
  it('shows every row in aligned columns, and a plot with titles, units and legends', async () => {
    const findings = {
      node: process.version,
      allocatedBytes: 0,
      callbacks: await timeCallbacks(SMALL.fronts, SMALL.samples),
      changes: [],
      sweep: await experiment.sweep(SMALL),
      coalescing: await experiment.coalescing(SMALL),
      queues: await placementsUnderLoad(SMALL.loads),
      fences: await fencesAcrossQueues(SMALL.loads),
      preemptions: await experiment.preemptions(SMALL),
      faultings: await experiment.faultings(SMALL),
      roundLengths: await experiment.roundLengths(SMALL),
      breakEvens: await experiment.breakEvens(SMALL),
      harvests: [],
      shrinking: [],
      metadata: [],
    };
    const text = describeFindings(findings);
    const [, , sweep] = text.split('\n\n');
    const flush = sweep!.split('\n').filter((line) => /^(paging|user) /.test(line));
    expect(flush).toHaveLength(2 * 2 * 3);
    expect(new Set(flush.map((line) => line.length)).size).toBe(1);
    expect(text).toMatch(/20 against 0 .* (met|not met)/);
    const svg = await plot(findings);
    expect(svg).toMatch(/^<svg /);
    for (const shown of [
      'flush time (simulated µs)',
      'launches in front of the update',
      'wall ns a page',
      'commands an invalidated page',
      'highest-priority',
      'interrupt: 64 µs',
    ])
      expect(svg).toContain(shown);
    expect(svg).not.toMatch(/NaN|undefined/);
  });
});
