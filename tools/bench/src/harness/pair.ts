import { Bench } from 'tinybench';
import { now } from './clock.js';
import { median, type Quartiles, quartiles } from './quartiles.js';

/** One of two things that are compared. Both do the same number of units of work a run. */
export interface Side {
  /** Runs before each measurement, unmeasured. */
  prepare?(): void | Promise<void>;
  /** What is measured. */
  run(): void | Promise<void>;
  /** Runs after each measurement, unmeasured. */
  settle?(): void | Promise<void>;
}

/** How two sides compare. */
export interface Comparison {
  /** Time of the subject over time of the peer, by round. */
  readonly ratio: Quartiles;
  /** Nanoseconds a unit of work, medians. */
  readonly subjectNs: number;
  readonly peerNs: number;
}

/** How often and over how much work two sides are measured. */
export interface PairOptions {
  readonly rounds: number;
  /** Rounds before those that count. */
  readonly warmup: number;
  /** Units of work a run. */
  readonly units: number;
}

/**
 * Measures two sides in turn, A B B A A B B A …, and compares them round by round: what slows the machine down for longer
 * than a round slows both, and the median over rounds drops what hits one side only.
 */
export async function compare(subject: Side, peer: Side, options: PairOptions): Promise<Comparison> {
  const { rounds, warmup, units } = options;
  const subjectNs: number[] = [];
  const peerNs: number[] = [];
  for (let round = -warmup; round < rounds; round++) {
    const times = await measureRound(subject, peer, round % 2 !== 0);
    if (round < 0) continue;
    subjectNs.push(times.subject / units);
    peerNs.push(times.peer / units);
  }
  return {
    ratio: quartiles(subjectNs.map((ns, round) => ns / peerNs[round]!)),
    subjectNs: median(subjectNs),
    peerNs: median(peerNs),
  };
}

/** Measures one side alone: nanoseconds a unit of work, by round. */
export async function measure(side: Side, options: PairOptions): Promise<number[]> {
  const { rounds, warmup, units } = options;
  const result: number[] = [];
  for (let round = -warmup; round < rounds; round++) {
    const bench = oneRound();
    add(bench, 'side', side);
    await bench.run();
    if (round >= 0) result.push(nanoseconds(bench, 'side') / units);
  }
  return result;
}

async function measureRound(subject: Side, peer: Side, peerFirst: boolean): Promise<{ subject: number; peer: number }> {
  const bench = oneRound();
  if (peerFirst) add(bench, 'peer', peer);
  add(bench, 'subject', subject);
  if (!peerFirst) add(bench, 'peer', peer);
  await bench.run();
  return { subject: nanoseconds(bench, 'subject'), peer: nanoseconds(bench, 'peer') };
}

/** Each task once: the harness does the repetition, so that the sides take turns. */
function oneRound(): Bench {
  return new Bench({ iterations: 1, time: 0, now, warmup: false, throws: true });
}

function add(bench: Bench, name: string, side: Side): void {
  // Without `async`, the task would be called once more to find out.
  bench.add(name, () => side.run(), {
    async: true,
    beforeEach: () => side.prepare?.(),
    afterEach: () => side.settle?.(),
  });
}

function nanoseconds(bench: Bench, name: string): number {
  const result = bench.getTask(name)?.result;
  if (result?.state === 'completed') return result.latency.mean * 1e6;
  throw new Error(`the task ${name} ended as ${result?.state ?? 'unknown'}`);
}
