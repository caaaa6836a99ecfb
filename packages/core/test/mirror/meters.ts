import { promiseHooks, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'vitest';

/** Calls a try: enough for the optimizing compiler, and to tell one object in many calls from the meter's noise. */
const CALLS = 4096;
const LEAST_TRIES = 6;
const MOST_TRIES = 40;
/** The smallest object takes more. */
const NOTHING = 1;

let collector: (() => void) | undefined;
/** Where what is known to allocate puts it, so that no compiler leaves it out. */
let kept: object | undefined;

/** Collects all garbage, in a process that was started without `--expose-gc`. */
function collect(): void {
  if (collector === undefined) {
    setFlagsFromString('--expose-gc');
    collector = runInNewContext('gc') as () => void;
  }
  collector();
}

/** Bytes that `run` leaves allocated on the JavaScript heap a call, garbage included. Far below 0 where a collection came in between; a little, where asking cost less the second time. */
function bytesPerCall(run: () => void): number {
  collect();
  const before = process.memoryUsage().heapUsed;
  const between = process.memoryUsage().heapUsed;
  for (let i = 0; i < CALLS; i++) run();
  const after = process.memoryUsage().heapUsed;
  // The first pair says what asking costs.
  return (after - between - (between - before)) / CALLS;
}

/**
 * Demands that `run` allocates nothing once it is warm; `settle` is called before each try. The least of many tries counts: the
 * compiler, and what runs beside, allocate too when they feel like it, but never less than `run` does.
 */
export async function expectNoAllocation(run: () => void, settle: () => Promise<unknown>): Promise<void> {
  let least = Infinity;
  for (let attempt = 0; attempt < MOST_TRIES && (attempt < LEAST_TRIES || least >= NOTHING); attempt++) {
    await settle();
    const bytes = bytesPerCall(run);
    if (bytes > -NOTHING) least = Math.min(least, Math.abs(bytes));
  }
  expect(least).toBeLessThan(NOTHING);
}

/** Demands that the meter sees an object a call: one that does not would say 0 of everything. */
export async function expectMeterSees(): Promise<void> {
  const allocating = () => void (kept = { kept: undefined });
  await expect(expectNoAllocation(allocating, () => Promise.resolve())).rejects.toThrow(/to be less than/);
  expect(kept).toBeDefined();
}

/** Counts promises from now on; what it returns ends that, and says how many were made. */
export function countPromises(): () => number {
  let made = 0;
  const stop = promiseHooks.onInit(() => made++) as () => void;
  return () => {
    stop();
    return made;
  };
}

/** Runs something; how many promises it made. */
export function promisesOf(run: () => void): number {
  const stop = countPromises();
  try {
    run();
  } finally {
    stop();
  }
  return stop();
}
