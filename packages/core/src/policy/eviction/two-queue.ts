import { checkFrames } from './check-frames.js';
import { FRAME_BLOCKED } from './frame-flags.js';
import { Ghosts } from './ghosts.js';
import { IdQueues, NONE } from './id-queues.js';
import { ResidentPages } from './resident-pages.js';
import type { EvictionPolicy } from './types.js';

/** Pages seen once, in the order in which they came (A1in). */
const ONCE = 0;
/** Pages that came back, by their last access (Am). */
const AGAIN = 1;
/** Kin: the share of the frames that pages seen once get. */
const ONCE_SHARE = 0.25;
/** Kout: pages remembered, as a share of the frames. */
const GHOST_SHARE = 0.5;

/**
 * 2Q, the full version (Johnson and Shasha, "2Q: a low overhead high performance buffer management replacement algorithm", VLDB 1994), with
 * the paper's Kin of 25 % and Kout of 50 %: a page goes through a FIFO first; only if it comes back after it left from there does it get into
 * the LRU order of the others. 17 bytes a frame, and 29 to 33 a page that it remembers.
 */
export class TwoQueueEviction implements EvictionPolicy {
  readonly name = '2q';
  private readonly capacity: number;
  private readonly pages: ResidentPages;
  private readonly queues: IdQueues;
  private readonly ghosts: Ghosts;
  private readonly onceSize: number;
  private readonly ghostSize: number;

  /** @throws RangeError when `capacity` is no integer in 0 … 2 ** 30 - 1 */
  constructor(capacity: number) {
    this.pages = new ResidentPages(capacity);
    this.capacity = capacity;
    this.queues = new IdQueues(capacity, 2);
    this.onceSize = Math.max(1, Math.floor(capacity * ONCE_SHARE));
    this.ghostSize = Math.floor(capacity * GHOST_SHARE);
    this.ghosts = new Ghosts(this.ghostSize + 1, 1);
  }

  get size(): number {
    return this.queues.size(ONCE) + this.queues.size(AGAIN);
  }

  get bytes(): number {
    return this.pages.bytes + this.queues.bytes + this.ghosts.bytes;
  }

  insert(ids: Uint32Array, count: number, pages?: Float64Array): void {
    checkFrames(ids, count, this.capacity);
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      const queue = this.queues.of(id);
      if (queue === AGAIN) this.queues.moveTo(AGAIN, id);
      if (queue !== NONE) continue;
      this.pages.set(id, pages, i);
      this.queues.push(this.ghosts.arrive(this.pages.at(id)) ? AGAIN : ONCE, id);
    }
  }

  touch(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) if (this.queues.of(ids[i]!) === AGAIN) this.queues.moveTo(AGAIN, ids[i]!);
  }

  remove(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) if (this.queues.of(ids[i]!) !== NONE) this.queues.remove(ids[i]!);
  }

  victims(out: Uint32Array, count: number, flags: Uint8Array, coming?: Float64Array): number {
    const { queues, ghosts } = this;
    ghosts.giveUp();
    let taken = 0;
    for (; taken < count; taken++) {
      if (coming !== undefined) ghosts.await(coming[taken]!);
      const first = queues.size(ONCE) > this.onceSize ? ONCE : AGAIN;
      let id = queues.find(queues.first(first), flags, FRAME_BLOCKED);
      if (id === NONE) id = queues.find(queues.first(first === ONCE ? AGAIN : ONCE), flags, FRAME_BLOCKED);
      if (id === NONE) break;
      if (queues.of(id) === ONCE) ghosts.add(0, this.pages.at(id));
      if (ghosts.size(0) > this.ghostSize) ghosts.forgetOldest(0);
      queues.remove(id);
      out[taken] = id;
    }
    return taken;
  }
}
