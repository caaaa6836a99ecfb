/**
 * A doubly linked list of frame ids in a typed array, with the id `capacity` as its head: every change is O(1) and
 * allocates nothing. A frame that is not in the list points to itself.
 */
export class FrameList {
  size = 0;
  /** The id that stands before the first and after the last frame. */
  private readonly head: number;
  /** The frames after and before frame `id` at `2 * id` and `2 * id + 1`: side by side, they share a cache line. */
  private readonly links: Uint32Array;

  /** @throws RangeError when `capacity` is no integer in 0 … 2 ** 30 - 1 */
  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 0 || capacity >= 2 ** 30) {
      throw new RangeError(`capacity must be an integer from 0 to ${2 ** 30 - 1}, got ${capacity}`);
    }
    this.head = capacity;
    this.links = new Uint32Array(2 * (capacity + 1));
    for (let id = 0; id <= capacity; id++) {
      this.links[2 * id] = id;
      this.links[2 * id + 1] = id;
    }
  }

  get bytes(): number {
    return this.links.byteLength;
  }

  has(id: number): boolean {
    return id < this.head && this.links[2 * id] !== id;
  }

  /**
   * Puts a frame that is not in the list at its end.
   * @throws RangeError when `id` is not below the capacity
   */
  append(id: number): void {
    if (id >= this.head) throw new RangeError(`frame ${id} must be below the capacity, ${this.head}`);
    this.linkLast(id);
    this.size++;
  }

  /** Moves a frame that is in the list to its end. */
  moveToEnd(id: number): void {
    const links = this.links;
    const next = links[2 * id]!;
    if (next === this.head) return;
    const previous = links[2 * id + 1]!;
    links[2 * previous] = next;
    links[2 * next + 1] = previous;
    this.linkLast(id);
  }

  /** Moves those of the first `count` frames that are in the list to its end, one after another. */
  moveAllToEnd(ids: Uint32Array, count: number): void {
    const { links, head } = this;
    let last = links[2 * head + 1]!;
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (id >= head || id === last) continue;
      const next = links[2 * id]!;
      if (next === id) continue;
      const previous = links[2 * id + 1]!;
      links[2 * previous] = next;
      links[2 * next + 1] = previous;
      links[2 * last] = id;
      links[2 * id + 1] = last;
      last = id;
    }
    // Only the last one's own link is read before this.
    links[2 * last] = head;
    links[2 * head + 1] = last;
  }

  /** Takes a frame that is in the list out. */
  unlink(id: number): void {
    const links = this.links;
    const next = links[2 * id]!;
    const previous = links[2 * id + 1]!;
    links[2 * previous] = next;
    links[2 * next + 1] = previous;
    links[2 * id] = id;
    links[2 * id + 1] = id;
    this.size--;
  }

  /** Takes up to `count` frames that are not blocked out, first ones first, into `out`; returns how many. */
  takeFirst(out: Uint32Array, count: number, blocked: Uint8Array): number {
    let taken = 0;
    let id = this.links[2 * this.head]!;
    while (taken < count && id !== this.head) {
      const next = this.links[2 * id]!;
      if (blocked[id] === 0) {
        this.unlink(id);
        out[taken++] = id;
      }
      id = next;
    }
    return taken;
  }

  private linkLast(id: number): void {
    const links = this.links;
    const head = this.head;
    const last = links[2 * head + 1]!;
    links[2 * last] = id;
    links[2 * id] = head;
    links[2 * id + 1] = last;
    links[2 * head + 1] = id;
  }
}
