import { FrameList } from './frame-list.js';
import type { EvictionPolicy } from './types.js';

/** Gives up the frame whose last access lies furthest back. */
export class LruEviction implements EvictionPolicy {
  readonly name = 'lru';
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

  /** Says whether a frame is tracked. */
  has(id: number): boolean {
    return this.list.has(id);
  }

  /** As `insert` of one frame. */
  insertOne(id: number): void {
    if (this.list.has(id)) this.list.moveToEnd(id);
    else this.list.append(id);
  }

  /** As `touch` of one frame. */
  touchOne(id: number): void {
    if (this.list.has(id)) this.list.moveToEnd(id);
  }

  insert(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) this.insertOne(ids[i]!);
  }

  touch(ids: Uint32Array, count: number): void {
    this.list.moveAllToEnd(ids, count);
  }

  remove(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) if (this.list.has(ids[i]!)) this.list.unlink(ids[i]!);
  }

  victims(out: Uint32Array, count: number, blocked: Uint8Array): number {
    return this.list.takeFirst(out, count, blocked);
  }
}
