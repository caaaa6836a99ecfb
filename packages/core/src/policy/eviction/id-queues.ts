/** End of a queue, and no queue. */
export const NONE = -1;

/**
 * Queues over dense ids, each id in one of them at most: doubly linked, in typed arrays, every step constant. 9 bytes an id.
 * Ids are below the capacity, unchecked.
 */
export class IdQueues {
  private readonly after: Int32Array;
  private readonly before: Int32Array;
  /** By id: its queue + 1; 0 for none. */
  private readonly queue: Uint8Array;
  private readonly firsts: Int32Array;
  private readonly lasts: Int32Array;
  private readonly sizes: Int32Array;

  /** @param queues how many, at most 255 */
  constructor(capacity: number, queues: number) {
    this.after = new Int32Array(capacity);
    this.before = new Int32Array(capacity);
    this.queue = new Uint8Array(capacity);
    this.firsts = new Int32Array(queues).fill(NONE);
    this.lasts = new Int32Array(queues).fill(NONE);
    this.sizes = new Int32Array(queues);
  }

  get bytes(): number {
    return 2 * this.after.byteLength + this.queue.byteLength;
  }

  /** How many ids are in a queue. */
  size(queue: number): number {
    return this.sizes[queue]!;
  }

  /** The queue that an id is in, or NONE; also for ids beyond the capacity. */
  of(id: number): number {
    return id < this.queue.length ? this.queue[id]! - 1 : NONE;
  }

  /** The first id of a queue, or NONE. */
  first(queue: number): number {
    return this.firsts[queue]!;
  }

  /** The id behind another in its queue, or NONE. */
  next(id: number): number {
    return this.after[id]!;
  }

  /** Puts an id that is in no queue at the end of one. */
  push(queue: number, id: number): void {
    const last = this.lasts[queue]!;
    if (last === NONE) this.firsts[queue] = id;
    else this.after[last] = id;
    this.before[id] = last;
    this.after[id] = NONE;
    this.lasts[queue] = id;
    this.queue[id] = queue + 1;
    this.sizes[queue]!++;
  }

  /** Takes an id out of the queue that it is in. */
  remove(id: number): void {
    const queue = this.queue[id]! - 1;
    const before = this.before[id]!;
    const after = this.after[id]!;
    if (before === NONE) this.firsts[queue] = after;
    else this.after[before] = after;
    if (after === NONE) this.lasts[queue] = before;
    else this.before[after] = before;
    this.queue[id] = 0;
    this.sizes[queue]!--;
  }

  /** Moves an id, which is in a queue, to the end of one, maybe the same. */
  moveTo(queue: number, id: number): void {
    this.remove(id);
    this.push(queue, id);
  }

  /** The first id of a queue, from `from` on, whose flags have none of the bits of `mask`; NONE if there is none. */
  find(from: number, flags: Uint8Array, mask: number): number {
    let id = from;
    while (id !== NONE && (flags[id]! & mask) !== 0) id = this.after[id]!;
    return id;
  }
}
