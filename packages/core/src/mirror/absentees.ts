import type { Departures } from './departures.js';

/** Ranges that are remembered. */
const RANGES = 8;
/** A range of fewer pages is looked through as quickly as remembered. */
const LEAST_PAGES = 64;

interface Look {
  readonly from: number;
  readonly end: number;
  readonly states: number;
  /** What the range lacked. */
  readonly absent: Float64Array;
  /** How many departures there had been. */
  readonly departures: number;
}

/**
 * Remembers what ranges of keys lacked on a device when they were last looked through, so that the next look meets only that, and what has
 * departed since: programs are launched on the same ranges again and again. `states` are the `PAGE_*` bits that a page was to have.
 */
export class Absentees {
  /** How often entries changed. */
  changes = 0;
  private readonly looks: Look[] = [];
  private next = 0;

  /** All that a range may lack, ascending; `undefined` where that is not known. */
  candidates(from: number, end: number, states: number, departures: Departures): Float64Array | undefined {
    const look = this.looks.find((each) => each.from === from && each.end === end && each.states === states);
    if (look === undefined) return undefined;
    if (look.departures === departures.count) return look.absent;
    const since = departures.since(look.departures, from, end);
    if (since === undefined) return undefined;
    if (look.absent.length === 0) return ascending(since);
    const both = new Float64Array(look.absent.length + since.length);
    both.set(look.absent);
    both.set(since, look.absent.length);
    return ascending(both);
  }

  /** Remembers what a range lacks, all of it, after so many departures. */
  remember(from: number, end: number, states: number, absent: Float64Array, departures: number): void {
    if (end - from < LEAST_PAGES) return;
    const known = this.looks.findIndex((each) => each.from === from && each.end === end && each.states === states);
    const place = known >= 0 ? known : this.next++ % RANGES;
    this.looks[place] = { from, end, states, absent, departures };
  }

  /** Forgets everything: entries changed. */
  clear(): void {
    this.changes++;
    if (this.looks.length === 0) return;
    this.looks.length = 0;
    this.next = 0;
  }
}

/** Numbers in ascending order, each once. Almost always they are. */
function ascending(numbers: Float64Array): Float64Array {
  let sorted = true;
  for (let i = 1; i < numbers.length && sorted; i++) sorted = numbers[i - 1]! < numbers[i]!;
  if (sorted) return numbers;
  numbers.sort();
  return numbers.filter((number, i) => i === 0 || number !== numbers[i - 1]);
}
