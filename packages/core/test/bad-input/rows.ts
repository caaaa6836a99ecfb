import type { ErrorCode } from '@mirrorspace/core';
import type { World } from './world.js';

/** How a call must fail. */
export type Failure = 'TypeError' | 'RangeError' | ErrorCode;

/** One call that must fail at once and change nothing. */
export interface Row {
  /** The callable, as in {@link publicApi}. */
  readonly api: string;
  readonly what: string;
  readonly fails: Failure;
  /** Whether it returns a promise, which then rejects; else it throws. */
  readonly async: boolean;
  call(world: World): unknown;
}

/** Anything at all: what plain JavaScript may pass. */
export type Anything = never;

/** Rows of one callable. */
export class Rows {
  readonly rows: Row[] = [];
  private readonly api: string;
  private readonly async: boolean;

  constructor(api: string, kind: 'sync' | 'async') {
    this.api = api;
    this.async = kind === 'async';
  }

  /** One row. */
  bad(what: string, fails: Failure, call: (world: World) => unknown): this {
    this.rows.push({ api: this.api, what, fails, async: this.async, call });
    return this;
  }

  /** A row for each value that is no address. */
  address(what: string, call: (world: World, value: Anything) => unknown): this {
    return this.each(
      what,
      [...NO_INTEGERS, ...[-1, 2 ** 47, 2 ** 53].map((value) => [value, 'RangeError'] as const)],
      call,
    );
  }

  /** A row for each value that is no length in bytes. */
  bytes(what: string, call: (world: World, value: Anything) => unknown): this {
    const lengths = [0, -1, 2 ** 47 + 1, 2 ** 53].map((value) => [value, 'RangeError'] as const);
    return this.each(what, [...NO_INTEGERS, ...lengths], call);
  }

  /** A row for each value that is no number; and for those given. */
  number(what: string, more: readonly number[], call: (world: World, value: Anything) => unknown): this {
    return this.each(what, [...NO_NUMBERS, ...more.map((value) => [value, 'RangeError'] as const)], call);
  }

  /** As {@link number}, for what is documented to give a RangeError whatever is wrong. */
  count(what: string, more: readonly number[], call: (world: World, value: Anything) => unknown): this {
    const values = [...NO_NUMBERS.map(([value]) => value), ...more].map((value) => [value, 'RangeError'] as const);
    return this.each(what, values, call);
  }

  /** A row for each value, which is of the wrong type. */
  type(what: string, values: readonly unknown[], call: (world: World, value: Anything) => unknown): this {
    return this.each(
      what,
      values.map((value) => [value, 'TypeError'] as const),
      call,
    );
  }

  private each(
    what: string,
    values: readonly (readonly [value: unknown, fails: Failure])[],
    call: (world: World, value: Anything) => unknown,
  ): this {
    for (const [value, fails] of values)
      this.bad(`${what} ${show(value)}`, fails, (world) => call(world, value as never));
    return this;
  }
}

const NO_NUMBERS = (['4096', null, {}, 10n, true] as const).map((value) => [value, 'TypeError'] as const);
const NO_INTEGERS = [
  ...NO_NUMBERS,
  ...([NaN, Infinity, -Infinity, 0.5] as const).map((value) => [value, 'RangeError'] as const),
];

/** Bytes whose buffer has gone to somebody else. */
export function detachedBytes(length = 8): Uint8Array {
  const bytes = new Uint8Array(length);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

function show(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'number' || value === undefined) return String(value);
  return JSON.stringify(value) ?? typeof value;
}
