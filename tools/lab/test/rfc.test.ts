import { describe, expect, it } from 'vitest';
import { breakEvens, type Extent, faultings, placements, preemptions, roundLengths } from '../src/rfc/experiment.js';
import { plot } from '../src/rfc/plot.js';
import { describe as describeFindings, type Findings } from '../src/rfc/report.js';
import { BASE, live } from '../src/rfc/scenario.js';

const SMALL: Extent = { fronts: [0, 2, 20], unitCosts: [1], units: [64, 4096], rounds: [10, 1000, 100_000] };

describe('callbacks and flushes', () => {
  it('share one submission and a few commands among all pages of a turn', async () => {
    for (const pages of [1, 100, 1000]) {
      const { submissions, commandsPerPage } = await live({ ...BASE, front: 3, pages });
      expect(submissions).toBe(1);
      // unmap and flushTlb, for these and for the 1,024 pages of the measured callbacks.
      expect(commandsPerPage).toBeCloseTo(2 / (pages + 1024), 9);
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

  it('come to the same every time, but for wall-clock figures', async () => {
    const scenario = { ...BASE, front: 5, preemption: 'weigh', preemptionUs: 1, flushes: 3, pages: 4 } as const;
    const first = await live(scenario);
    expect({ ...(await live(scenario)), callbackNs: first.callbackNs }).toEqual(first);
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

  it('breaks even at about its cost', async () => {
    const found = await breakEvens(SMALL);
    expect(found.map(({ costUs }) => costUs)).toEqual([64, 4096]);
    for (const { costUs, roundUs } of found) expect(Math.abs(roundUs - costUs)).toBeLessThan(10);
  });

  it('is chosen by weighing on the side where it pays', async () => {
    const rows = await preemptions(SMALL);
    const of = (units: number, preemption: string) =>
      rows.find(({ scenario }) => scenario.units === units && scenario.preemption === preemption)!.outcome;
    expect(of(64, 'weigh').preemptions).toBeGreaterThan(25);
    expect(of(64, 'weigh').flushUs).toBeLessThan(of(64, 'never').flushUs / 2);
    expect(of(4096, 'weigh').preemptions).toBe(0);
    expect(of(4096, 'weigh').flushUs).toBeLessThan(of(4096, 'always').flushUs / 2);
  });
});

describe('the report', () => {
  it('shows every row in aligned columns, and a plot with titles, units and a legend', async () => {
    const findings: Findings = {
      node: process.version,
      allocatedBytes: 0,
      placements: await placements(SMALL),
      preemptions: await preemptions(SMALL),
      faultings: await faultings(SMALL),
      roundLengths: await roundLengths(SMALL),
      breakEvens: await breakEvens(SMALL),
    };
    const lines = describeFindings(findings).split('\n');
    const flush = lines.filter((line) => /^(paging|user|least-loaded|highest-priority) /.test(line));
    expect(flush).toHaveLength(4 * 2 * 3);
    expect(new Set(flush.map((line) => line.length)).size).toBe(1);
    const svg = await plot(findings);
    expect(svg).toMatch(/^<svg /);
    for (const text of [
      'flush time (simulated µs)',
      'commands in front of the update',
      'queue policy',
      'interrupt: 64 µs',
    ])
      expect(svg).toContain(text);
    expect(svg).not.toMatch(/NaN|undefined/);
  });
});
