import { checkFrames } from './check-frames.js';
import { FRAME_BLOCKED } from './frame-flags.js';
import { Ghosts } from './ghosts.js';
import { IdQueues, NONE } from './id-queues.js';
import { ResidentPages } from './resident-pages.js';
import type { EvictionPolicy } from './types.js';

/** T1, and among those that left B1: pages accessed once lately. */
const RECENT = 0;
/** T2, and B2: pages accessed at least twice. */
const FREQUENT = 1;

/**
 * ARC (Megiddo and Modha, "ARC: a self-tuning, low overhead replacement cache", FAST 2003, figure 4): keeps pages accessed once and pages
 * accessed more often apart, remembers as many that left as there are frames, and gives more room to the kind of which more come back.
 * 17 bytes a frame, and 29 to 33 a page that it remembers.
 */
export class ArcEviction implements EvictionPolicy {
  readonly name = 'arc';
  private readonly capacity: number;
  private readonly pages: ResidentPages;
  private readonly queues: IdQueues;
  private readonly ghosts: Ghosts;
  /** p: how many frames pages accessed once should have. */
  private target = 0;

  /** @throws RangeError when `capacity` is no integer in 0 … 2 ** 30 - 1 */
  constructor(capacity: number) {
    this.pages = new ResidentPages(capacity);
    this.capacity = capacity;
    this.queues = new IdQueues(capacity, 2);
    this.ghosts = new Ghosts(capacity + 1, 2);
  }

  get size(): number {
    return this.queues.size(RECENT) + this.queues.size(FREQUENT);
  }

  get bytes(): number {
    return this.pages.bytes + this.queues.bytes + this.ghosts.bytes;
  }

  insert(ids: Uint32Array, count: number, pages?: Float64Array): void {
    checkFrames(ids, count, this.capacity);
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (this.queues.of(id) !== NONE) {
        this.queues.moveTo(FREQUENT, id);
        continue;
      }
      this.pages.set(id, pages, i);
      const page = this.pages.at(id);
      this.comeBack(page);
      this.queues.push(this.ghosts.arrive(page) ? FREQUENT : RECENT, id);
      this.trim();
    }
  }

  touch(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) if (this.queues.of(ids[i]!) !== NONE) this.queues.moveTo(FREQUENT, ids[i]!);
  }

  remove(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) if (this.queues.of(ids[i]!) !== NONE) this.queues.remove(ids[i]!);
  }

  victims(out: Uint32Array, count: number, flags: Uint8Array, coming?: Float64Array): number {
    this.ghosts.giveUp();
    let taken = 0;
    for (; taken < count; taken++) {
      const wasFrequent = coming !== undefined && this.comeBack(coming[taken]!) === FREQUENT;
      const id = this.replace(flags, wasFrequent);
      if (id === NONE) break;
      out[taken] = id;
    }
    return taken;
  }

  /** Adapts the target to a page that left and is wanted again (cases II and III); returns which kind it was, or NONE. */
  private comeBack(page: number): number {
    const kind = this.ghosts.of(page);
    if (kind === NONE) return NONE;
    const recent = this.ghosts.size(RECENT);
    const frequent = this.ghosts.size(FREQUENT);
    if (kind === RECENT) this.target = Math.min(this.capacity, this.target + Math.max(frequent / recent, 1));
    else this.target = Math.max(0, this.target - Math.max(recent / frequent, 1));
    this.ghosts.await(page);
    return kind;
  }

  /** REPLACE: takes the oldest of one kind out, and remembers it. */
  private replace(flags: Uint8Array, wasFrequent: boolean): number {
    const { queues } = this;
    const recent = queues.size(RECENT);
    const fromRecent = recent > 0 && (recent > this.target || (wasFrequent && recent === this.target));
    let kind = fromRecent ? RECENT : FREQUENT;
    let id = queues.find(queues.first(kind), flags, FRAME_BLOCKED);
    if (id === NONE) {
      kind = fromRecent ? FREQUENT : RECENT;
      id = queues.find(queues.first(kind), flags, FRAME_BLOCKED);
      if (id === NONE) return NONE;
    }
    queues.remove(id);
    this.ghosts.add(kind, this.pages.at(id));
    return id;
  }

  /** Forgets the oldest pages beyond the bounds of case IV: as many of one kind as there are frames, twice as many in all. */
  private trim(): void {
    const { queues, ghosts, capacity } = this;
    while (queues.size(RECENT) + ghosts.size(RECENT) > capacity && ghosts.size(RECENT) > 0) ghosts.forgetOldest(RECENT);
    while (this.size + ghosts.size(RECENT) + ghosts.size(FREQUENT) > 2 * capacity && ghosts.size(FREQUENT) > 0)
      ghosts.forgetOldest(FREQUENT);
  }
}
