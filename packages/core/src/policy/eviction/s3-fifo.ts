import { checkFrames } from './check-frames.js';
import { FRAME_BLOCKED } from './frame-flags.js';
import { Ghosts } from './ghosts.js';
import { IdQueues, NONE } from './id-queues.js';
import { ResidentPages } from './resident-pages.js';
import type { EvictionPolicy } from './types.js';

const SMALL = 0;
const MAIN = 1;
/** Share of the frames that new pages get. */
const SMALL_SHARE = 0.1;
const MOST_ACCESSES = 3;
/** Accesses in the small queue after which a page belongs in the main one. */
const TO_MAIN = 2;

/**
 * S3-FIFO (Yang, Zhang, Qiu, Yue and Vinayak, "FIFO queues are all you need for cache eviction", SOSP 2023, algorithm 1): new pages go
 * through a small queue, a tenth of all, and only those accessed twice there, or that come back soon after, into the main one, where a frame
 * goes round once for each access, three at most. 18 bytes a frame, and 29 to 33 a page that it remembers, of which there are as many as
 * frames of the main queue.
 */
export class S3FifoEviction implements EvictionPolicy {
  readonly name = 's3-fifo';
  private readonly pages: ResidentPages;
  private readonly accesses: Uint8Array;
  private readonly queues: IdQueues;
  private readonly ghosts: Ghosts;
  private readonly smallSize: number;

  /** @throws RangeError when `capacity` is no integer in 0 … 2 ** 30 - 1 */
  constructor(capacity: number) {
    this.pages = new ResidentPages(capacity);
    this.accesses = new Uint8Array(capacity);
    this.queues = new IdQueues(capacity, 2);
    this.smallSize = Math.max(1, Math.floor(capacity * SMALL_SHARE));
    this.ghosts = new Ghosts(Math.max(0, capacity - this.smallSize) + 1, 1);
  }

  get size(): number {
    return this.queues.size(SMALL) + this.queues.size(MAIN);
  }

  get bytes(): number {
    return this.pages.bytes + this.accesses.byteLength + this.queues.bytes + this.ghosts.bytes;
  }

  insert(ids: Uint32Array, count: number, pages?: Float64Array): void {
    checkFrames(ids, count, this.accesses.length);
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (this.queues.of(id) !== NONE) {
        this.access(id);
        continue;
      }
      this.accesses[id] = 0;
      this.pages.set(id, pages, i);
      this.queues.push(this.ghosts.arrive(this.pages.at(id)) ? MAIN : SMALL, id);
    }
  }

  touch(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) if (this.queues.of(ids[i]!) !== NONE) this.access(ids[i]!);
  }

  remove(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) if (this.queues.of(ids[i]!) !== NONE) this.queues.remove(ids[i]!);
  }

  victims(out: Uint32Array, count: number, flags: Uint8Array, coming?: Float64Array): number {
    this.ghosts.giveUp();
    let taken = 0;
    for (; taken < count; taken++) {
      if (coming !== undefined) this.ghosts.await(coming[taken]!);
      const fromSmall = this.queues.size(SMALL) >= this.smallSize || this.queues.size(MAIN) === 0;
      let id = fromSmall ? this.takeSmall(flags) : this.takeMain(flags);
      if (id === NONE) id = fromSmall ? this.takeMain(flags) : this.takeSmall(flags);
      if (id === NONE) break;
      out[taken] = id;
    }
    return taken;
  }

  private access(id: number): void {
    if (this.accesses[id]! < MOST_ACCESSES) this.accesses[id]!++;
  }

  /** Takes the oldest of the small queue that was hardly accessed; the others that it meets move to the main one. */
  private takeSmall(flags: Uint8Array): number {
    const { queues, accesses, ghosts } = this;
    let id = queues.find(queues.first(SMALL), flags, FRAME_BLOCKED);
    while (id !== NONE && accesses[id]! >= TO_MAIN) {
      const next = queues.next(id);
      accesses[id] = 0;
      queues.moveTo(MAIN, id);
      id = next === NONE ? NONE : queues.find(next, flags, FRAME_BLOCKED);
    }
    if (id === NONE) return NONE;
    queues.remove(id);
    ghosts.add(0, this.pages.at(id));
    if (ghosts.size(0) > this.accesses.length - this.smallSize) ghosts.forgetOldest(0);
    return id;
  }

  /** Takes the first of the main queue that has no accesses left; each that it meets has one less and goes to the end. */
  private takeMain(flags: Uint8Array): number {
    const { queues, accesses } = this;
    let id = queues.find(queues.first(MAIN), flags, FRAME_BLOCKED);
    while (id !== NONE && accesses[id] !== 0) {
      const next = queues.next(id);
      accesses[id]!--;
      queues.moveTo(MAIN, id);
      // The end may be one that was just put there: then it has had its turn, and all begins anew.
      id = queues.find(next === NONE ? queues.first(MAIN) : next, flags, FRAME_BLOCKED);
      if (id === NONE) id = queues.find(queues.first(MAIN), flags, FRAME_BLOCKED);
    }
    if (id !== NONE) queues.remove(id);
    return id;
  }
}
