/**
 * A doubly linked list of frame ids in two typed arrays, with the id `capacity` as its head: every change is O(1) and
 * allocates nothing. A frame that is not in the list points to itself.
 */
export class FrameList {
  size = 0;
  /** The id that stands before the first and after the last frame. */
  private readonly head: number;
  private readonly nextId: Uint32Array;
  private readonly previousId: Uint32Array;

  /** @throws RangeError when `capacity` is no integer in 0 … 2 ** 31 - 1 */
  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 0 || capacity >= 2 ** 31) {
      throw new RangeError(`capacity must be an integer from 0 to ${2 ** 31 - 1}, got ${capacity}`);
    }
    this.head = capacity;
    this.nextId = Uint32Array.from({ length: capacity + 1 }, (_, id) => id);
    this.previousId = this.nextId.slice();
  }

  get bytes(): number {
    return this.nextId.byteLength + this.previousId.byteLength;
  }

  has(id: number): boolean {
    return id < this.head && this.nextId[id] !== id;
  }

  /**
   * Puts a frame that is not in the list at its end.
   * @throws RangeError when `id` is not below the capacity
   */
  append(id: number): void {
    if (id >= this.head) throw new RangeError(`frame ${id} must be below the capacity, ${this.head}`);
    const last = this.previousId[this.head]!;
    this.nextId[last] = id;
    this.previousId[id] = last;
    this.nextId[id] = this.head;
    this.previousId[this.head] = id;
    this.size++;
  }

  /** Moves a frame that is in the list to its end. */
  moveToEnd(id: number): void {
    const next = this.nextId[id]!;
    const head = this.head;
    if (next === head) return;
    const previous = this.previousId[id]!;
    this.nextId[previous] = next;
    this.previousId[next] = previous;
    const last = this.previousId[head]!;
    this.nextId[last] = id;
    this.previousId[id] = last;
    this.nextId[id] = head;
    this.previousId[head] = id;
  }

  /** Takes a frame that is in the list out. */
  unlink(id: number): void {
    const next = this.nextId[id]!;
    const previous = this.previousId[id]!;
    this.nextId[previous] = next;
    this.previousId[next] = previous;
    this.nextId[id] = id;
    this.previousId[id] = id;
    this.size--;
  }

  /** Takes up to `count` frames that are not blocked out, first ones first, into `out`; returns how many. */
  takeFirst(out: Uint32Array, count: number, blocked: Uint8Array): number {
    let taken = 0;
    let id = this.nextId[this.head]!;
    while (taken < count && id !== this.head) {
      const next = this.nextId[id]!;
      if (blocked[id] === 0) {
        this.unlink(id);
        out[taken++] = id;
      }
      id = next;
    }
    return taken;
  }
}
