/** Words of the dedupe table of faults: a power of two. */
export const SEEN = 1024;
/** Numbers that a launch may pass to its units. */
export const MOST_ARGS = 64;
/** Words before the arguments in the parameters. */
export const PARAM_WORDS = 12;

/** Words of the head of the control buffer. */
const HEAD_WORDS = 8;
export const AT_FAULTS = 0;
export const AT_STALLED = 1;
export const AT_READY = 2;
export const AT_RETIRED = 3;
export const AT_BROKEN = 4;

/**
 * How the control buffer of launches is laid out, in words: the head (counters), recorded faults (two words each), stalled units;
 * these are read back. Then what dedupes faults, units that are ready, and the units to run.
 */
export interface ControlLayout {
  /** Faults that can be recorded in a round. */
  readonly faults: number;
  /** Units in a round. */
  readonly units: number;
  /** First word of the recorded faults. */
  readonly faultsAt: number;
  /** First word of the stalled units. */
  readonly stalledAt: number;
  /** First word of the dedupe table. */
  readonly seenAt: number;
  /** First word of the units that are ready. */
  readonly readyAt: number;
  /** First word of the units to run. */
  readonly listAt: number;
  /** All words. */
  readonly words: number;
}

export function controlLayout(faults: number, units: number): ControlLayout {
  const faultsAt = HEAD_WORDS;
  const stalledAt = faultsAt + 2 * faults;
  const seenAt = stalledAt + units;
  const readyAt = seenAt + SEEN;
  const listAt = readyAt + units;
  return { faults, units, faultsAt, stalledAt, seenAt, readyAt, listAt, words: listAt + units };
}
