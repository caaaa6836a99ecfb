import type { AddressSpace, NotifierEventKind } from '@mirrorspace/core';
import { expect } from 'vitest';
import { countPromises } from '../meters.js';

interface Step {
  readonly kind: NotifierEventKind;
  readonly start: number;
  readonly end: number;
}

/** The invalidations of a space since it was made. */
export interface StepWatch {
  readonly seen: readonly Step[];
  /** Demands that between the begin and the end of each nothing was submitted and no promise was made (R4). */
  expectAtomic(): void;
}

/** Watches all invalidations of a space; `submitted` counts what devices were sent. */
export function watchSteps(space: AddressSpace, submitted: () => number): StepWatch {
  const { notifiers } = space;
  const begin = notifiers.begin.bind(notifiers);
  const beginRegardless = notifiers.beginRegardless.bind(notifiers);
  const end = notifiers.end.bind(notifiers);
  const seen: Step[] = [];
  const faults: string[] = [];
  let depth = 0;
  let before = 0;
  let kind = '';
  let stop = (): number => 0;
  const leave = () => {
    if (--depth > 0) return;
    const made = stop();
    if (made > 0) faults.push(`${kind}: ${made} promises`);
    if (submitted() > before) faults.push(`${kind}: ${submitted() - before} submissions`);
  };
  const enter = (step: Step) => {
    if (depth++ === 0) {
      before = submitted();
      kind = step.kind;
      stop = countPromises();
    }
    seen.push(step);
  };
  notifiers.beginRegardless = (kind, start, end, thrown) => {
    enter({ kind, start, end });
    beginRegardless(kind, start, end, thrown);
  };
  notifiers.begin = (...event) => {
    enter({ kind: event[0], start: event[1], end: event[2] });
    try {
      begin(...event);
    } catch (error) {
      leave();
      throw error;
    }
  };
  notifiers.end = () => {
    end();
    leave();
  };
  return {
    seen,
    expectAtomic() {
      expect(depth).toBe(0);
      expect(faults).toEqual([]);
    },
  };
}
