import { checkCapacity, checkFrames } from './check-frames.js';
import type { EvictionPolicy } from './types.js';

const ABSENT = 0;
const COLD = 1;
const REFERENCED = 2;

/**
 * Second chance: a hand goes round the frames in the order of their ids, clears the reference bit of those accessed since
 * it last came by, and gives up the others (Corbató, "A paging experiment with the Multics system", 1968).
 * One byte a frame, and an access is one store. A frame that was just filled counts as accessed.
 */
export class ClockEviction implements EvictionPolicy {
  readonly name = 'clock';
  private readonly state: Uint8Array;
  private hand = 0;
  private tracked = 0;

  /** @throws RangeError when `capacity` is no integer in 0 … 2 ** 30 - 1 */
  constructor(capacity: number) {
    checkCapacity(capacity);
    this.state = new Uint8Array(capacity);
  }

  get size(): number {
    return this.tracked;
  }

  get bytes(): number {
    return this.state.byteLength;
  }

  insert(ids: Uint32Array, count: number): void {
    checkFrames(ids, count, this.state.length);
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (this.state[id] === ABSENT) this.tracked++;
      this.state[id] = REFERENCED;
    }
  }

  touch(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (id < this.state.length && this.state[id] !== ABSENT) this.state[id] = REFERENCED;
    }
  }

  remove(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (id >= this.state.length || this.state[id] === ABSENT) continue;
      this.state[id] = ABSENT;
      this.tracked--;
    }
  }

  victims(out: Uint32Array, count: number, blocked: Uint8Array): number {
    const state = this.state;
    const capacity = state.length;
    let taken = 0;
    let rest = this.hand;
    // Twice round meets every frame that is not blocked once with its bit cleared, so a third round finds nothing more.
    for (let steps = 2 * capacity; steps > 0 && taken < count && this.tracked > 0; steps--) {
      const id = this.hand;
      this.hand = id + 1 === capacity ? 0 : id + 1;
      if (state[id] === ABSENT || blocked[id] !== 0) continue;
      if (state[id] === REFERENCED) {
        state[id] = COLD;
      } else {
        state[id] = ABSENT;
        this.tracked--;
        out[taken++] = id;
        rest = this.hand;
      }
    }
    // Where nothing more was found, the hand stays behind the last victim: frames it passed in vain lose no turn.
    this.hand = rest;
    return taken;
  }
}
