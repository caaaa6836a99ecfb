import { AgeOrder } from './age-order.js';
import type { EvictionPolicy } from './types.js';

/** Gives up the frame that was filled first, whatever was accessed since. */
export class FifoEviction implements EvictionPolicy {
  readonly name = 'fifo';
  private readonly order: AgeOrder;

  /** @throws RangeError when `capacity` is no integer in 0 … 2 ** 30 - 1 */
  constructor(capacity: number) {
    this.order = new AgeOrder(capacity);
  }

  get size(): number {
    return this.order.size;
  }

  get bytes(): number {
    return this.order.bytes;
  }

  insert(ids: Uint32Array, count: number): void {
    this.order.addLast(ids, count);
  }

  touch(): void {
    // The order of arrival is all that counts.
  }

  remove(ids: Uint32Array, count: number): void {
    this.order.remove(ids, count);
  }

  victims(out: Uint32Array, count: number, flags: Uint8Array): number {
    return this.order.takeFirst(out, count, flags);
  }
}
