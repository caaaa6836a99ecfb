import { checkCapacity, checkFrames } from './check-frames.js';
import { FRAME_BLOCKED, FRAME_DIRTY } from './frame-flags.js';
import { IdQueues, NONE } from './id-queues.js';
import type { EvictionPolicy } from './types.js';

/** The window, as a share of the frames. */
const WINDOW_SHARE = 0.25;

/**
 * CFLRU (Park, Jung, Kang, Kim and Lee, "CFLRU: a replacement algorithm for flash memory", CASES 2006): of the frames whose last accesses lie furthest
 * back, those in the window, gives up the first that is clean, which costs no copy; where all of them are dirty, the first. 9 bytes a frame.
 */
export class CleanFirstLruEviction implements EvictionPolicy {
  readonly name = 'clean-first-lru';
  private readonly capacity: number;
  private readonly window: number;
  private readonly queue: IdQueues;

  /**
   * @param window frames; a quarter of all by default
   * @throws RangeError when `capacity` is no integer in 0 … 2 ** 30 - 1, or `window` no positive integer
   */
  constructor(capacity: number, window?: number) {
    checkCapacity(capacity);
    if (window !== undefined && (!Number.isSafeInteger(window) || window < 1))
      throw new RangeError(`window must be a positive number of frames, got ${window}`);
    this.capacity = capacity;
    this.window = window ?? Math.max(1, Math.floor(capacity * WINDOW_SHARE));
    this.queue = new IdQueues(capacity, 1);
  }

  get size(): number {
    return this.queue.size(0);
  }

  get bytes(): number {
    return this.queue.bytes;
  }

  insert(ids: Uint32Array, count: number): void {
    checkFrames(ids, count, this.capacity);
    for (let i = 0; i < count; i++) {
      if (this.queue.of(ids[i]!) === NONE) this.queue.push(0, ids[i]!);
      else this.queue.moveTo(0, ids[i]!);
    }
  }

  touch(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) if (this.queue.of(ids[i]!) !== NONE) this.queue.moveTo(0, ids[i]!);
  }

  remove(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) if (this.queue.of(ids[i]!) !== NONE) this.queue.remove(ids[i]!);
  }

  victims(out: Uint32Array, count: number, flags: Uint8Array): number {
    const { queue } = this;
    let taken = 0;
    /** Frames of the window that were looked at and stay: blocked or dirty. */
    let kept = 0;
    let dirty = queue.first(0);
    let at = queue.first(0);
    while (taken < count) {
      const id = kept < this.window ? at : NONE;
      if (id !== NONE) {
        at = queue.next(id);
        if ((flags[id]! & (FRAME_BLOCKED | FRAME_DIRTY)) !== 0) {
          kept++;
          continue;
        }
        if (id === dirty) dirty = at;
        queue.remove(id);
        out[taken++] = id;
        continue;
      }
      // No clean one in the window: the oldest goes, and the window reaches one further.
      dirty = queue.find(dirty, flags, FRAME_BLOCKED);
      if (dirty === NONE) break;
      const oldest = dirty;
      dirty = queue.next(oldest);
      if (oldest === at) at = dirty;
      else kept--;
      queue.remove(oldest);
      out[taken++] = oldest;
    }
    return taken;
  }
}
