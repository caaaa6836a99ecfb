import { checkCapacity, checkFrames } from './check-frames.js';
import { FRAME_BLOCKED } from './frame-flags.js';
import type { EvictionPolicy } from './types.js';

const ABSENT = 0;
/** Not tracked any more, but still in the ring. */
const REMOVED = 1;
const COLD = 2;
const REFERENCED = 3;
const FIRST = 256;

/**
 * Second chance: a hand goes round the frames in the order in which they were first filled, clears the reference bit of those accessed since
 * it last came by, and gives up the others (Corbató, "A paging experiment with the Multics system", 1968). The ring turns, the hand stands still, at its
 * beginning. An access is one store. 5 to 9 bytes a frame.
 *
 * A frame that was just filled counts as not accessed since, as in libCacheSim: the hand has to go all the way round before it meets it. One that
 * takes the place of another that was removed counts as accessed, since the hand may be about to come by.
 */
export class ClockEviction implements EvictionPolicy {
  readonly name = 'clock';
  private readonly state: Uint8Array;
  /** Frames from the hand on: `ring[first & mask … (end - 1) & mask]`. A power of two long. */
  private ring = new Uint32Array(FIRST);
  private first = 0;
  private end = 0;
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
    return this.state.byteLength + this.ring.byteLength;
  }

  insert(ids: Uint32Array, count: number): void {
    checkFrames(ids, count, this.state.length);
    if (this.end - this.first + count >= this.ring.length) this.grow(count);
    const { state, ring } = this;
    const mask = ring.length - 1;
    let { end, tracked } = this;
    // Without branches: whether a frame is tracked no processor could foretell.
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      const before = state[id]!;
      const isNew = Number(before === ABSENT);
      state[id] = REFERENCED - isNew;
      tracked += Number(before < COLD);
      ring[end & mask] = id;
      end += isNew;
    }
    this.tracked = tracked;
    this.end = end;
  }

  touch(ids: Uint32Array, count: number): void {
    const { state } = this;
    for (let i = 0; i < count; i++) if (state[ids[i]!]! >= COLD) state[ids[i]!] = REFERENCED;
  }

  remove(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (id >= this.state.length || this.state[id]! < COLD) continue;
      this.state[id] = REMOVED;
      this.tracked--;
    }
  }

  victims(out: Uint32Array, count: number, flags: Uint8Array): number {
    const { state, ring } = this;
    const mask = ring.length - 1;
    let { first, end } = this;
    let taken = 0;
    // What is passed over without any effect; a whole round of that, and there is nothing to find.
    for (let vain = 0; taken < count && vain < end - first;) {
      const id = ring[first++ & mask]!;
      const before = state[id]!;
      const isBlocked = Number((flags[id]! & FRAME_BLOCKED) !== 0) & Number(before !== REMOVED);
      vain = (vain + 1) * isBlocked;
      const stays = isBlocked | Number(before === REFERENCED);
      // Blocked as it was, referenced cold, all others absent.
      state[id] = isBlocked * before + (1 - isBlocked) * (stays * COLD);
      ring[end & mask] = id;
      end += stays;
      out[taken] = id;
      taken += (1 - stays) & Number(before === COLD);
    }
    // Small numbers stay integers of the processor.
    this.first = first & mask;
    this.end = end - (first - this.first);
    this.tracked -= taken;
    return taken;
  }

  private grow(count: number): void {
    const { ring, first, end } = this;
    let length = ring.length;
    while (length <= end - first + count) length *= 2;
    this.ring = new Uint32Array(length);
    for (let at = first; at < end; at++) this.ring[at - first] = ring[at & (ring.length - 1)]!;
    this.first = 0;
    this.end = end - first;
  }
}
