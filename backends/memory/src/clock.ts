import { nextTurn } from '@mirrorspace/core/driver';

/** Something that happens at a simulated time. */
export interface ClockEvent {
  /** Microseconds. */
  readonly time: number;
}

interface Entry extends ClockEvent {
  readonly sequence: number;
  readonly background: boolean;
  readonly run: () => void;
  state: 'waiting' | 'done' | 'cancelled';
}

/** How a clock gives the host its turn between two events. */
export interface SimClockOptions {
  /** Awaited before each event. Default: a turn of the event loop. A scheduler of fast-check can be put here. */
  readonly yield?: () => Promise<void>;
}

/**
 * Simulated time: events run in the order of time, then of scheduling, and the host gets a turn before each. Time stands
 * still while no event is waiting. Several devices may share one clock.
 */
export class SimClock {
  #now = 0;
  #sequence = 0;
  /** Binary heap by time, then sequence. */
  readonly #heap: Entry[] = [];
  #foreground = 0;
  #running = false;
  readonly #yield: () => Promise<void>;

  constructor(options: SimClockOptions = {}) {
    this.#yield = options.yield ?? nextTurn;
  }

  /** Simulated microseconds since the clock was made. */
  get now(): number {
    return this.#now;
  }

  /** Runs `run` in `delayUs` ≥ 0 microseconds. */
  after(delayUs: number, run: () => void): ClockEvent {
    if (typeof delayUs !== 'number') throw new TypeError(`delayUs must be a number, got ${typeof delayUs}`);
    return this.#schedule(this.#now + delayUs, run, false);
  }

  /** Runs `run` when the time has come, but never moves the clock by itself: an idle device does not race towards it. */
  background(time: number, run: () => void): ClockEvent {
    if (typeof time !== 'number') throw new TypeError(`time must be a number, got ${typeof time}`);
    return this.#schedule(Math.max(time, this.#now), run, true);
  }

  /** Takes an event back; nothing happens if it ran. */
  cancel(event: ClockEvent): void {
    const entry = event as Entry;
    if (entry.state !== 'waiting') return;
    entry.state = 'cancelled';
    if (!entry.background) this.#foreground--;
  }

  #schedule(time: number, run: () => void, background: boolean): Entry {
    if (!(time >= this.#now && time < Infinity)) throw new RangeError(`no event can happen at ${time} microseconds`);
    if (typeof run !== 'function') throw new TypeError(`run must be a function, got ${typeof run}`);
    const entry: Entry = { time, sequence: this.#sequence++, background, run, state: 'waiting' };
    this.#push(entry);
    if (background) return entry;
    this.#foreground++;
    if (!this.#running) {
      this.#running = true;
      void this.#loop();
    }
    return entry;
  }

  async #loop(): Promise<void> {
    while (this.#foreground > 0) {
      await this.#yield();
      this.#step();
    }
    this.#running = false;
  }

  #step(): void {
    while (this.#foreground > 0) {
      const entry = this.#pop();
      if (entry === undefined) return;
      if (entry.state === 'cancelled') continue;
      entry.state = 'done';
      this.#now = Math.max(this.#now, entry.time);
      if (!entry.background) this.#foreground--;
      entry.run();
      return;
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!before(entry, heap[above]!)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && before(heap[below + 1]!, heap[below]!)) below++;
      if (!before(heap[below]!, last)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
    return top;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.time < b.time || (a.time === b.time && a.sequence < b.sequence);
}
