import type { LiveFault } from '@mirrorspace/core';
import { FaultFlag } from '../addon/userfault.js';

/** Most faults that are told at once. */
export const AT_ONCE = 256;
/** Numbers that stand for one, as `Userfault.wait` gives them. */
export const NUMBERS = 4;

/** Who is told of accesses to withheld pages. */
export type FaultHandler = (faults: readonly LiveFault[]) => void;

/** How faults of live ranges come to their handler. */
export interface FaultDelivery {
  handler: FaultHandler | undefined;
  /** A range is open from now on. */
  opened(): void;
  /** A range is closed. */
  closed(): void;
}

/** Tells a handler of `count` faults. */
export class FaultNews {
  constructor(
    private readonly pageSize: number,
    /** The frame at a place, or the place. */
    private readonly nameOf: (place: number) => number,
  ) {}

  tell(handler: FaultHandler, numbers: Float64Array, count: number): void {
    const faults: LiveFault[] = [];
    for (let i = 0; i < count * NUMBERS; i += NUMBERS) {
      const place = numbers[i]! + Math.floor(numbers[i + 1]! / this.pageSize);
      faults.push({ frame: this.nameOf(place), write: (numbers[i + 2]! & FaultFlag.write) !== 0 });
    }
    try {
      handler(faults);
    } catch (error) {
      // Not the loop's that tells: others still wait for their pages.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
