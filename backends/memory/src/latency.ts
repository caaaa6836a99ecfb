import type { CommandKind } from '@mirrorspace/core/driver';
import type { Random } from './random.js';

/** Evenly spread durations. */
export interface EvenSpread {
  /** Shortest, in microseconds, ≥ 0. */
  readonly min: number;
  /** Longest, in microseconds, ≥ `min`. */
  readonly max: number;
}

/** Durations with the long tail of a log-normal distribution. */
export interface LogNormal {
  /** Half of them are shorter, in microseconds, ≥ 0. */
  readonly median: number;
  /** Standard deviation of their natural logarithm, ≥ 0. */
  readonly sigma: number;
}

/** Microseconds: always the same, evenly spread, or with the long tail of a log-normal distribution. */
export type Distribution = number | EvenSpread | LogNormal;

/** How long things take in simulated time. What is left out takes no time. */
export interface LatencyModel {
  /** Microseconds a command, beside what its bytes or work units take. */
  readonly commands?: Partial<Record<CommandKind, Distribution>>;
  /** Microseconds a command of a kind that `commands` leaves out. */
  readonly command?: Distribution;
  /** Bytes a microsecond that `copyIn` and `copyOut` move (1,000 is 1 GB/s). */
  readonly copyBytesPerUs?: number;
  /** Microseconds one round of work units runs, up to `residentUnits` side by side. */
  readonly unitUs?: Distribution;
}

/** A model with something of everything, for tests: about the figures of a discrete GPU. */
export const TYPICAL_LATENCY: LatencyModel = {
  command: { min: 1, max: 4 },
  commands: { launch: { median: 8, sigma: 0.5 }, flushTlb: { min: 5, max: 15 }, replayFaults: 2 },
  copyBytesPerUs: 12_000,
  unitUs: { median: 3, sigma: 0.4 },
};

/** Draws one duration in microseconds, ≥ 0. */
export function sample(distribution: Distribution | undefined, random: Random): number {
  if (distribution === undefined) return 0;
  if (typeof distribution === 'number') return distribution;
  if ('min' in distribution) return distribution.min + random.next() * (distribution.max - distribution.min);
  const gauss = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  // Rounded to nanoseconds: the last bits of exp and cos may differ between engines, and traces may not.
  return Math.round(distribution.median * Math.exp(distribution.sigma * gauss) * 1000) / 1000;
}

/** @throws TypeError, RangeError for what is no latency model */
export function checkLatency(model: LatencyModel): LatencyModel {
  if (typeof model !== 'object' || model === null)
    throw new TypeError(`latency must be 'zero' or a LatencyModel, got ${String(model)}`);
  for (const [kind, distribution] of Object.entries(model.commands ?? {}))
    check(`latency.commands.${kind}`, distribution);
  check('latency.command', model.command);
  check('latency.unitUs', model.unitUs);
  const bandwidth = model.copyBytesPerUs;
  if (bandwidth !== undefined && !(bandwidth > 0))
    throw new RangeError(`latency.copyBytesPerUs must be > 0, got ${bandwidth}`);
  return model;
}

function check(what: string, distribution: Distribution | undefined): void {
  if (distribution === undefined) return;
  const values = typeof distribution === 'number' ? [distribution] : Object.values(distribution);
  for (const value of values) {
    if (typeof value !== 'number' || !(value >= 0 && value < Infinity))
      throw new RangeError(`${what} must be ≥ 0 microseconds, got ${String(value)}`);
  }
  if (typeof distribution === 'object' && 'min' in distribution && distribution.max < distribution.min) {
    throw new RangeError(`${what}: max ${distribution.max} is below min ${distribution.min}`);
  }
}
