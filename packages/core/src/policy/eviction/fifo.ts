import { FrameList } from './frame-list.js';
import type { EvictionPolicy } from './types.js';

/** Gives up the frame that was filled first, whatever was accessed since; what NVIDIA UVM does with its root chunks in use. */
export class FifoEviction implements EvictionPolicy {
  readonly name = 'fifo';
  private readonly list: FrameList;

  /** @throws RangeError when `capacity` is no integer in 0 … 2 ** 30 - 1 */
  constructor(capacity: number) {
    this.list = new FrameList(capacity);
  }

  get size(): number {
    return this.list.size;
  }

  get bytes(): number {
    return this.list.bytes;
  }

  insert(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) if (!this.list.has(ids[i]!)) this.list.append(ids[i]!);
  }

  touch(): void {
    // The order of arrival is all that counts.
  }

  remove(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) if (this.list.has(ids[i]!)) this.list.unlink(ids[i]!);
  }

  victims(out: Uint32Array, count: number, blocked: Uint8Array): number {
    return this.list.takeFirst(out, count, blocked);
  }
}
