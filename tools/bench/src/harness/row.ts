/** What a benchmark is to reach. */
export interface Target {
  readonly relation: 'at most' | 'at least';
  readonly value: number;
}

/** Unit of a measured value: a ratio to a peer, or an absolute figure where there is no peer. */
export type Unit = 'x' | 'ns' | 'bytes';

/** One result. */
export interface Row {
  readonly name: string;
  readonly measured: number;
  readonly unit: Unit;
  /** First and third quartile over the rounds; the value itself, twice, where nothing varies. */
  readonly spread: readonly [low: number, high: number];
  readonly target: Target;
  readonly met: boolean;
  /** Absolute figures behind it; names end in their unit. */
  readonly figures: Readonly<Record<string, number>>;
}

/** Makes a row and judges it. */
export function row(
  name: string,
  value: { readonly measured: number; readonly unit: Unit; readonly spread?: readonly [number, number] },
  target: Target,
  figures: Readonly<Record<string, number>>,
): Row {
  const { measured, unit, spread = [measured, measured] } = value;
  const met = target.relation === 'at most' ? measured <= target.value : measured >= target.value;
  return { name, measured, unit, spread, target, met, figures };
}

/** Shorthand for targets. */
export const atMost = (value: number): Target => ({ relation: 'at most', value });
/** Shorthand for targets. */
export const atLeast = (value: number): Target => ({ relation: 'at least', value });
