const FIRST_CAPACITY = 16;

/**
 * A growable list of u32 ids for results of queries: reuse one and a query allocates nothing once the list has grown.
 * `items` is replaced when the list grows; only its first `length` elements count.
 */
export class IdList {
  /** The ids, and room for more. */
  items: Uint32Array;
  /** Ids in the list. */
  length = 0;

  constructor(capacity = FIRST_CAPACITY) {
    this.items = new Uint32Array(capacity);
  }

  /** Appends one id. */
  push(id: number): void {
    if (this.length === this.items.length) this.reserve(1);
    this.items[this.length++] = id;
  }

  /** Makes room for `count` more ids. */
  reserve(count: number): void {
    const wanted = this.length + count;
    if (wanted <= this.items.length) return;
    const grown = new Uint32Array(Math.max(wanted, this.items.length * 2, FIRST_CAPACITY));
    grown.set(this.items);
    this.items = grown;
  }

  /** Forgets all ids and keeps the room. */
  clear(): void {
    this.length = 0;
  }
}
