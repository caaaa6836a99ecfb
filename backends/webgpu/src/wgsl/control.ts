/** Words of the dedupe table of faults: a power of two. */
export const SEEN = 1024;
/** Numbers that a launch may pass to its units. */
export const MOST_ARGS = 64;

/** Words before the arguments in the parameters. */
export const PARAM_WORDS = 12;
/** First word of the list of units in the parameters: behind the arguments, four words each. */
export const LIST_AT = PARAM_WORDS + 4 * MOST_ARGS;
/** Units that the list can name: the parameters lie in a uniform buffer, of 64 KiB at most. */
export const MOST_LISTED = 16_000;
/** All words of the parameters. */
export const ALL_PARAM_WORDS = LIST_AT + MOST_LISTED;

/** Words of the head of the control buffer. */
const HEAD_WORDS = 8;
export const AT_FAULTS = 0;
export const AT_STALLED = 1;
export const AT_READY = 2;
export const AT_BROKEN = 3;
/** Words of a recorded fault: the place of its unit in the list, and the fault itself, in two. */
export const FAULT_WORDS = 3;
/** Set beside the access code of a fault that came after another one in its lane: what it goes by may not be there yet. */
export const GUESS = 4;
/** Bits that the access code and {@link GUESS} take. */
export const CODE_BITS = 3;
/** Most faults that are recorded at once. */
const MOST_RECORDED = 8192;

/**
 * How the control buffer of launches is laid out, in words: the head (counters), the units that are stalled, or for units that were looked into
 * one fault each, then recorded faults; these are read back. Then what became of each unit, what dedupes faults, and the units that are ready.
 */
export interface ControlLayout {
  /** Units in a round. */
  readonly units: number;
  /** Faults that can be recorded in a round. */
  readonly faults: number;
  /** First word of the stalled units. */
  readonly stalledAt: number;
  /** First word of the recorded faults. */
  readonly faultsAt: number;
  /** First word of what became of the units of the round. */
  readonly stateAt: number;
  /** First word of the dedupe table. */
  readonly seenAt: number;
  /** First word of the units that are ready. */
  readonly readyAt: number;
  /** All words. */
  readonly words: number;
}

/**
 * @param units most units of a round, up to {@link MOST_LISTED}
 * @param reported faults that the device can report at once; some more are recorded, to choose from
 */
export function controlLayout(units: number, reported: number): ControlLayout {
  const faults = Math.max(reported, Math.min(MOST_RECORDED, 4 * reported));
  const stalledAt = HEAD_WORDS;
  const faultsAt = stalledAt + FAULT_WORDS * units;
  const stateAt = faultsAt + FAULT_WORDS * faults;
  const seenAt = stateAt + units;
  const readyAt = seenAt + SEEN;
  return { units, faults, stalledAt, faultsAt, stateAt, seenAt, readyAt, words: readyAt + units };
}

/** The parameters as programs see them. */
export const PARAMS = `
struct ms_Params { count: u32, listed: u32, next: u32, pad0: u32, grid: vec3u, pad1: u32, pad2: vec4u,
  args: array<vec4u, ${MOST_ARGS}>, list: array<vec4u, ${MOST_LISTED / 4}> }
// The unit that is the i-th of a round: of the list, or of those that follow.
fn ms_nth(i: u32) -> u32 {
  if (i < ms_params.listed) { return ms_params.list[i >> 2u][i & 3u]; }
  return ms_params.next + i - ms_params.listed;
}`;
