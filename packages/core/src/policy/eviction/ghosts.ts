import { IdQueues, NONE } from './id-queues.js';
import { PageIndex } from './page-index.js';

/**
 * Remembers pages that left, in queues by age. Room for `capacity` pages in all: whoever adds to a full memory loses the oldest page of
 * the queue it adds to, or else of the longest one. 29 to 33 bytes a page.
 *
 * Victims are chosen before the pages come that the room is for. Those of them that are remembered leave their queue first, as the published
 * algorithms have it: they are awaited, until they arrive or others are.
 */
export class Ghosts {
  private readonly index: PageIndex;
  private readonly queues: IdQueues;
  /** The queue of pages that are awaited, behind the others. */
  private readonly awaited: number;
  private readonly capacity: number;
  /** Nodes given back, a stack. */
  private readonly spare: Uint32Array;
  private spares = 0;
  /** Nodes ever used. */
  private made = 0;

  /** @param queues how many */
  constructor(capacity: number, queues: number) {
    this.capacity = capacity;
    this.index = new PageIndex(capacity);
    this.awaited = queues;
    this.queues = new IdQueues(capacity, queues + 1);
    this.spare = new Uint32Array(capacity);
  }

  get bytes(): number {
    return this.index.bytes + this.queues.bytes + this.spare.byteLength;
  }

  /** Pages in a queue. */
  size(queue: number): number {
    return this.queues.size(queue);
  }

  /** The queue that a page is in, or NONE, also if it is awaited. */
  of(page: number): number {
    const node = this.index.find(page);
    const queue = node === NONE ? NONE : this.queues.of(node);
    return queue === this.awaited ? NONE : queue;
  }

  /** Takes a page that is about to come out of its queue. Does nothing for one that is in none. */
  await(page: number): void {
    if (this.of(page) !== NONE) this.queues.moveTo(this.awaited, this.index.find(page));
  }

  /** Forgets what was awaited and did not come, because there was no room after all. */
  giveUp(): void {
    while (this.queues.size(this.awaited) > 0) this.forgetOldest(this.awaited);
  }

  /** Puts a page at the young end of a queue, wherever it was; NaN is no page, and is not remembered. */
  add(queue: number, page: number): void {
    if (this.capacity === 0 || Number.isNaN(page)) return;
    let node = this.index.find(page);
    if (node !== NONE) {
      this.queues.moveTo(queue, node);
      return;
    }
    if (this.made - this.spares === this.capacity)
      this.forgetOldest(this.queues.size(queue) > 0 ? queue : this.longest());
    node = this.spares > 0 ? this.spare[--this.spares]! : this.made++;
    this.index.add(node, page);
    this.queues.push(queue, node);
  }

  /** Forgets a page, because it is back; returns whether it was remembered or awaited. */
  arrive(page: number): boolean {
    const node = this.index.find(page);
    if (node === NONE) return false;
    this.drop(node);
    return true;
  }

  /** Forgets the oldest page of a queue, if it has any. */
  forgetOldest(queue: number): void {
    const node = this.queues.first(queue);
    if (node !== NONE) this.drop(node);
  }

  private drop(node: number): void {
    this.queues.remove(node);
    this.index.delete(node);
    this.spare[this.spares++] = node;
  }

  private longest(): number {
    let found = 0;
    for (let queue = 1; queue <= this.awaited; queue++) if (this.size(queue) > this.size(found)) found = queue;
    return found;
  }
}
