import { checkCapacity, checkFrames } from './check-frames.js';
import { FRAME_BLOCKED, FRAME_DIRTY } from './frame-flags.js';
import type { EvictionPolicy } from './types.js';

const ABSENT = 0;
const COLD = 1;
const REFERENCED = 2;

/**
 * The enhanced second chance (Silberschatz, Galvin and Gagne, "Operating system concepts", 10.4.5.3): the hand looks for a frame that is
 * neither accessed nor dirty; if a round finds none, it looks for one that is not accessed, and clears the reference bits on its way; and so on, so that
 * a dirty frame has a round more than a clean one. A round serves all victims of one call. One byte a frame, and an access is one store.
 */
export class CleanFirstClockEviction implements EvictionPolicy {
  readonly name = 'clean-first-clock';
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
      const isNew = Number(this.state[ids[i]!] === ABSENT);
      this.tracked += isNew;
      this.state[ids[i]!] = REFERENCED - isNew;
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

  victims(out: Uint32Array, count: number, flags: Uint8Array): number {
    let taken = 0;
    // What the second round leaves behind, the third finds: nothing is accessed any more.
    for (let round = 0; round < 4 && taken < count && this.tracked > 0; round++)
      taken = this.sweep(out, taken, count, flags, round % 2 === 1);
    return taken;
  }

  private sweep(out: Uint32Array, taken: number, count: number, flags: Uint8Array, dirtyToo: boolean): number {
    const { state } = this;
    const mask = dirtyToo ? FRAME_BLOCKED : FRAME_BLOCKED | FRAME_DIRTY;
    for (let steps = state.length; steps > 0 && taken < count; steps--) {
      const id = this.hand;
      this.hand = id + 1 === state.length ? 0 : id + 1;
      if (state[id] === ABSENT || (flags[id]! & FRAME_BLOCKED) !== 0) continue;
      if (state[id] === REFERENCED) {
        if (dirtyToo) state[id] = COLD;
      } else if ((flags[id]! & mask) === 0) {
        state[id] = ABSENT;
        this.tracked--;
        out[taken++] = id;
      }
    }
    return taken;
  }
}
