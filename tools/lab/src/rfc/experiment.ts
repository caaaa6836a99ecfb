import { type PreemptionName, preemptionPolicies } from '@mirrorspace/core';
import { coalesce, type CoalescingRow } from './coalescing.js';
import { type FaultingOutcome, liveFaulting } from './faulting.js';
import { type HarvestRow, timeHarvest } from './harvests.js';
import { LOADS, type Load } from './loads.js';
import { meanAtRandomPhases } from './phases.js';
import { type ShrinkRow, timeShrinker } from './shrinker.js';
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
  /** Pages unmapped a turn. */
  readonly pagesPerTurn: readonly number[];
  /** What the device is busy with when the placements are compared. */
  readonly loads: readonly Load[];
  /** Samples of the callback's wall time. */
  readonly samples: number;
  /** Random phases of a round. */
  readonly phases: number;
}

/** What `npm run lab rfc` tries. */
export const WHOLE: Extent = {
  fronts: [0, 1, 10, 100, 1000, 10_000],
  unitCosts: [0.1, 1, 10],
  units: [256, 1024, 4096],
  rounds: [10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000],
  pagesPerTurn: [1, 10, 100, 1000],
  loads: Object.keys(LOADS) as Load[],
  samples: 40,
  phases: 256,
};

/** A minute's worth less. */
export const QUICK: Extent = {
  fronts: [0, 10, 1000],
  unitCosts: [1],
  units: [256, 4096],
  rounds: [10, 1000, 100_000],
  pagesPerTurn: [10, 1000],
  loads: ['nothing', 'launches', 'copies'],
  samples: 8,
  phases: 32,
};

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
  /** The round length at which waiting takes as long as interrupting, in microseconds, for an update that comes as a round begins. */
  readonly roundUs: number;
  /** What a flush takes then, either way. */
  readonly flushUs: number;
  /** The same length for updates that come at random moments of a round, by the mean. */
  readonly randomRoundUs: number;
  readonly randomFlushUs: number;
}

const FLUSHES = 32;
const POLICIES = Object.keys(preemptionPolicies) as PreemptionName[];

async function each<T>(items: readonly T[], scenarioOf: (item: T) => Scenario): Promise<Row[]> {
  const rows: Row[] = [];
  for (const item of items) {
    const scenario = scenarioOf(item);
    rows.push({ scenario, outcome: await live(scenario) });
  }
  return rows;
}

/**
 * An update against how many launches are in front of it: in a paging queue or in the user's, with and without priorities, by each
 * preemption policy where saving the units takes 256 µs.
 */
export function sweep({ fronts }: Extent): Promise<Row[]> {
  const cases = (['paging', 'user'] as const).flatMap((placement) =>
    [true, false].flatMap((priorities) =>
      fronts.flatMap((front) => POLICIES.map((preemption) => ({ placement, priorities, front, preemption }))),
    ),
  );
  return each(cases, (one) => ({ ...BASE, preemptionUs: 1, trained: true, ...one }));
}

/** The same pages, some of them a turn. */
export async function coalescing({ pagesPerTurn }: Extent): Promise<CoalescingRow[]> {
  const rows: CoalescingRow[] = [];
  for (const placement of ['paging', 'user'] as const)
    for (const pages of pagesPerTurn) rows.push(await coalesce(placement, pages));
  return rows;
}

/** What each preemption policy makes of each cost: many flushes, one after the other, while long launches run. */
export async function preemptions({ unitCosts, units }: Extent): Promise<Row[]> {
  const cases = unitCosts.flatMap((preemptionUs) =>
    units.flatMap((count) => POLICIES.map((preemption) => ({ preemptionUs, units: count, preemption }))),
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
      for (const preemption of POLICIES) {
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

/** Finds the round lengths from which on interrupting is quicker than waiting: as a round begins, and at random moments. */
export async function breakEvens({ unitCosts, units, phases }: Extent): Promise<BreakEven[]> {
  const found: BreakEven[] = [];
  for (const preemptionUs of unitCosts) {
    for (const count of units) {
      const costUs = preemptionUs * count;
      const atBegin = await crossing(costUs, 1.001, async (roundUs, preemption) => {
        const scenario = { ...BASE, front: 2, pages: 1, preemptionUs, units: count, roundUs, preemption };
        return (await live(scenario)).flushUs;
      });
      const atRandom = await crossing(2 * costUs, 1.005, (roundUs, preemption) =>
        meanAtRandomPhases({ roundUs, preemption, preemptionUs, units: count }, phases),
      );
      found.push({
        unitCostUs: preemptionUs,
        units: count,
        costUs,
        roundUs: atBegin.roundUs,
        flushUs: atBegin.flushUs,
        randomRoundUs: atRandom.roundUs,
        randomFlushUs: atRandom.flushUs,
      });
    }
  }
  return found;
}

/** Bisects for the round length at which both policies come to the same, looking from a tenth to ten times a guess. */
async function crossing(
  guess: number,
  precision: number,
  flush: (roundUs: number, preemption: PreemptionName) => Promise<number>,
): Promise<{ roundUs: number; flushUs: number }> {
  let [low, high] = [guess / 10, guess * 10];
  while (high / low > precision) {
    const roundUs = Math.sqrt(low * high);
    if ((await flush(roundUs, 'always')) < (await flush(roundUs, 'never'))) high = roundUs;
    else low = roundUs;
  }
  return { roundUs: high, flushUs: await flush(high, 'always') };
}

const LONG = 100;

/** Harvests behind launches, in one command and in several. */
export async function harvests(): Promise<HarvestRow[]> {
  const rows: HarvestRow[] = [];
  for (const priorities of [true, false])
    for (const pagesPerCommand of [65_536, 256])
      for (const front of [0, 1, LONG]) rows.push(await timeHarvest({ priorities, front, pagesPerCommand }));
  return rows;
}

/** Reclaim of pages that devices have, behind launches. */
export async function shrinking(): Promise<ShrinkRow[]> {
  const rows: ShrinkRow[] = [];
  const add = async (one: Pick<ShrinkRow, 'pages' | 'accessedBits' | 'preemption'>) => {
    for (const front of [0, 1, LONG]) rows.push(await timeShrinker({ ...one, front }));
  };
  await add({ pages: 'ordinary', accessedBits: true, preemption: 'never' });
  for (const pages of ['read', 'written'] as const)
    for (const accessedBits of [false, true])
      for (const preemption of ['never', 'always'] as const) await add({ pages, accessedBits, preemption });
  return rows;
}
