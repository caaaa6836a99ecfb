import { checkCapacity, checkFrames } from './check-frames.js';
import { FRAME_BLOCKED } from './frame-flags.js';
import type { EvictionPolicy } from './types.js';

const ABSENT = 0;
const COLD = 1;
const VISITED = 2;
/** What is left where a frame was taken out of the order. */
const HOLE = 2 ** 32 - 1;
const FIRST = 256;

/**
 * SIEVE (Zhang, Yang, Yue, Vigfusson and Rashmi, "SIEVE is simpler than LRU", NSDI 2024, algorithm 1): frames stay in the order in which
 * they were filled; a hand goes from the oldest to the youngest and over again, clears the bits of those that were accessed and gives up the
 * first that was not. An access is one store. The order is an array with holes, closed up when it is full: 9 to 17 bytes a frame.
 */
export class SieveEviction implements EvictionPolicy {
  readonly name = 'sieve';
  private readonly state: Uint8Array;
  /** By frame: where it is in the order. */
  private readonly places: Uint32Array;
  /** Oldest first; HOLE where there is none any more. */
  private order = new Uint32Array(FIRST);
  private end = 0;
  /** The place that the hand looks at next. */
  private hand = 0;
  private tracked = 0;

  /** @throws RangeError when `capacity` is no integer in 0 … 2 ** 30 - 1 */
  constructor(capacity: number) {
    checkCapacity(capacity);
    this.state = new Uint8Array(capacity);
    this.places = new Uint32Array(capacity);
  }

  get size(): number {
    return this.tracked;
  }

  get bytes(): number {
    return this.state.byteLength + this.places.byteLength + this.order.byteLength;
  }

  insert(ids: Uint32Array, count: number): void {
    checkFrames(ids, count, this.state.length);
    if (this.end + count >= this.order.length) this.closeUp(count);
    const { state, order, places } = this;
    let { end } = this;
    const before = end;
    // Without branches: whether a frame is tracked no processor could foretell.
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      const isNew = Number(state[id] === ABSENT);
      state[id] = VISITED - isNew;
      order[end] = id;
      end += isNew;
    }
    for (let at = before; at < end; at++) places[order[at]!] = at;
    this.tracked += end - before;
    this.end = end;
  }

  touch(ids: Uint32Array, count: number): void {
    const { state } = this;
    for (let i = 0; i < count; i++) if (state[ids[i]!]! !== ABSENT) state[ids[i]!] = VISITED;
  }

  remove(ids: Uint32Array, count: number): void {
    const { state, order, places } = this;
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (id >= state.length || state[id] === ABSENT) continue;
      state[id] = ABSENT;
      order[places[id]!] = HOLE;
      this.tracked--;
    }
  }

  victims(out: Uint32Array, count: number, flags: Uint8Array): number {
    const { state, order, end } = this;
    let { hand } = this;
    let rest = hand;
    let taken = 0;
    // What is passed over without any effect; a whole round of that, and there is nothing to find.
    for (let vain = 0; taken < count && vain < end; hand++) {
      if (hand === end) hand = 0;
      const id = order[hand]!;
      if (id === HOLE || (flags[id]! & FRAME_BLOCKED) !== 0) {
        vain++;
        continue;
      }
      vain = 0;
      if (state[id] === VISITED) {
        state[id] = COLD;
        continue;
      }
      state[id] = ABSENT;
      order[hand] = HOLE;
      out[taken++] = id;
      rest = hand + 1;
    }
    this.tracked -= taken;
    // Where nothing more was found, the hand stays behind the last victim: frames it passed in vain lose no turn.
    this.hand = this.placeFrom(taken === count ? hand : rest);
    return taken;
  }

  /** The first place from one on that is no hole; where nothing is younger, it is the oldest's turn, whatever comes until then. */
  private placeFrom(place: number): number {
    let at = place;
    while (at < this.end && this.order[at] === HOLE) at++;
    return at === this.end ? 0 : at;
  }

  /** Makes room for `count` more at the end: closes the holes, in a longer array if there are few. */
  private closeUp(count: number): void {
    const { order, places, end, hand } = this;
    const needed = this.tracked + count + 1;
    const isShort = needed * 1.5 > order.length;
    const to = isShort ? new Uint32Array(Math.ceil(needed * 1.5)) : order;
    let at = 0;
    for (let from = 0; from < end; from++) {
      if (from === hand) this.hand = at;
      const id = order[from]!;
      if (id === HOLE) continue;
      places[id] = at;
      to[at++] = id;
    }
    this.order = to;
    this.end = at;
  }
}
