import { type PreemptionName, preemptionPolicies, queuePolicies, type QueuePolicyName } from '@mirrorspace/core';
import { type FaultingOutcome, liveFaulting } from './faulting.js';
import { BASE, live, type Outcome, type Scenario } from './scenario.js';

/** How much is tried. */
export interface Extent {
  /** Launches in front of the update. */
  readonly fronts: readonly number[];
  /** Microseconds that saving a unit costs. */
  readonly unitCosts: readonly number[];
  /** Work units in flight. */
  readonly units: readonly number[];
  /** Round lengths in microseconds. */
  readonly rounds: readonly number[];
}

/** What `npm run lab rfc` tries. */
export const WHOLE: Extent = {
  fronts: [0, 1, 10, 100, 1000, 10_000],
  unitCosts: [0.1, 1, 10],
  units: [256, 1024, 4096],
  rounds: [10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000],
};

/** A minute's worth less. */
export const QUICK: Extent = { fronts: [0, 10, 1000], unitCosts: [1], units: [256, 4096], rounds: [10, 1000, 100_000] };

/** A scenario and what it came to. */
export interface Row {
  readonly scenario: Scenario;
  readonly outcome: Outcome;
}

/** A scenario with a launch that faults, and what became of that. */
export interface FaultingRow {
  readonly scenario: Scenario;
  readonly faulting: FaultingOutcome;
}

/** From where on an interruption is the quicker way, at one cost. */
export interface BreakEven {
  readonly unitCostUs: number;
  readonly units: number;
  /** What one preemption costs, in microseconds. */
  readonly costUs: number;
  /** The round length at which waiting takes as long as interrupting, in microseconds. */
  readonly roundUs: number;
  /** What a flush takes then, either way. */
  readonly flushUs: number;
}

const FLUSHES = 32;

async function each<T>(items: readonly T[], scenarioOf: (item: T) => Scenario): Promise<Row[]> {
  const rows: Row[] = [];
  for (const item of items) {
    const scenario = scenarioOf(item);
    rows.push({ scenario, outcome: await live(scenario) });
  }
  return rows;
}

/** Where the update goes, against how many commands are in front of it. */
export async function placements({ fronts }: Extent): Promise<Row[]> {
  const names = Object.keys(queuePolicies) as QueuePolicyName[];
  const cases = names.flatMap((placement) =>
    [true, false].flatMap((priorities) => fronts.map((front) => ({ placement, priorities, front }))),
  );
  // Compiles what is measured by the wall clock.
  for (let i = 0; i < 20; i++) await live({ ...BASE, front: 1 });
  return each(cases, (one) => ({ ...BASE, ...one }));
}

/** What each preemption policy makes of each cost: many flushes, one after the other, while long launches run. */
export async function preemptions({ unitCosts, units }: Extent): Promise<Row[]> {
  const names = Object.keys(preemptionPolicies) as PreemptionName[];
  const cases = unitCosts.flatMap((preemptionUs) =>
    units.flatMap((count) => names.map((preemption) => ({ preemptionUs, units: count, preemption }))),
  );
  return each(cases, (one) => ({ ...BASE, ...one, pages: 1, flushes: FLUSHES, front: frontFor(one) }));
}

/** Enough launches for all flushes to meet one, however long an interruption takes. */
function frontFor({ preemptionUs, units }: { preemptionUs: number; units: number }): number {
  return FLUSHES + Math.ceil((FLUSHES * preemptionUs * units) / BASE.roundUs) + 2;
}

/** What each preemption policy makes of a launch that faults while another queue's launches run. */
export async function faultings({ unitCosts, units }: Extent): Promise<FaultingRow[]> {
  const rows: FaultingRow[] = [];
  for (const preemptionUs of unitCosts) {
    for (const count of units) {
      for (const preemption of Object.keys(preemptionPolicies) as PreemptionName[]) {
        const scenario = { ...BASE, preemptionUs, units: count, preemption };
        rows.push({ scenario, faulting: await liveFaulting(scenario) });
      }
    }
  }
  return rows;
}

/** One flush as rounds get longer: without preemption, and with it at each cost. */
export async function roundLengths({ rounds, unitCosts, units }: Extent): Promise<Row[]> {
  const costs = unitCosts.flatMap((preemptionUs) => units.map((count) => ({ preemptionUs, units: count })));
  const distinct = costs.filter(
    (one, i) => costs.findIndex((other) => other.preemptionUs * other.units === one.preemptionUs * one.units) === i,
  );
  const cases = [
    ...rounds.map((roundUs) => ({ roundUs, preemption: 'never' as const })),
    ...distinct.flatMap((cost) => rounds.map((roundUs) => ({ ...cost, roundUs, preemption: 'always' as const }))),
  ];
  return each(cases, (one) => ({ ...BASE, front: 2, pages: 1, ...one }));
}

/** Finds the round length, to a thousandth, from which on interrupting is quicker than waiting. */
export async function breakEvens({ unitCosts, units }: Extent): Promise<BreakEven[]> {
  const found: BreakEven[] = [];
  for (const preemptionUs of unitCosts) {
    for (const count of units) {
      const cost = { ...BASE, front: 2, pages: 1, preemptionUs, units: count };
      let [low, high] = [1, 1e6];
      while (high / low > 1.001) {
        const roundUs = Math.sqrt(low * high);
        const wait = await live({ ...cost, roundUs, preemption: 'never' });
        const interrupt = await live({ ...cost, roundUs, preemption: 'always' });
        if (interrupt.flushUs < wait.flushUs) high = roundUs;
        else low = roundUs;
      }
      const { flushUs } = await live({ ...cost, roundUs: high, preemption: 'always' });
      found.push({ unitCostUs: preemptionUs, units: count, costUs: preemptionUs * count, roundUs: high, flushUs });
    }
  }
  return found;
}
