import { checkPageSize } from '../../address/index.js';
import { checkCapacity, checkFrames } from './check-frames.js';
import { FRAME_BLOCKED } from './frame-flags.js';
import { Groups } from './groups.js';
import { IdQueues, NONE } from './id-queues.js';
import type { EvictionPolicy } from './types.js';

/** How units are put in order. */
export interface UnitOptions {
  /** The name under which the policy is chosen. */
  readonly name: string;
  /** Bytes of address space that go together; a page size. Smaller than a page: each page is a unit of its own. */
  readonly unitBytes: number;
  /** What makes a unit the youngest: an access to any of its pages, or only that one of them is filled. */
  readonly order: 'access' | 'allocation';
}

/**
 * Gives up all that is there of an aligned unit of address space at once: the one that was accessed least recently, or, as NVIDIA's UVM driver does with its
 * root chunks of 2 MiB, the one in which memory was allocated least recently, whatever was accessed since (open-gpu-kernel-modules, uvm_pmm_gpu: the
 * list of used root chunks). What is blocked stays, in its place. 21 bytes a frame, and 32 a unit.
 */
export class UnitEviction implements EvictionPolicy {
  readonly name: string;
  readonly overshoot: number;
  private readonly capacity: number;
  private readonly unitPages: number;
  private readonly byAccess: boolean;
  private readonly units: Groups;
  private readonly order: IdQueues;
  private tracked = 0;

  /**
   * @param pageSize in bytes
   * @throws TypeError or RangeError for a bad capacity, page size or unit
   */
  constructor(capacity: number, pageSize: number, { name, unitBytes, order }: UnitOptions) {
    checkCapacity(capacity);
    this.capacity = capacity;
    this.name = name;
    this.unitPages = Math.max(1, checkPageSize(unitBytes) / checkPageSize(pageSize));
    this.overshoot = Math.min(capacity, this.unitPages) - 1;
    this.byAccess = order === 'access';
    this.units = new Groups(capacity);
    this.order = new IdQueues(capacity, 1);
  }

  get size(): number {
    return this.tracked;
  }

  get bytes(): number {
    return this.units.bytes + this.order.bytes;
  }

  insert(ids: Uint32Array, count: number, pages?: Float64Array): void {
    checkFrames(ids, count, this.capacity);
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      let unit = this.units.of(id);
      if (unit === NONE) {
        const page = pages === undefined ? NaN : pages[i]!;
        unit = this.units.add(id, Number.isNaN(page) ? -1 - id : Math.floor(page / this.unitPages));
        this.tracked++;
      } else if (!this.byAccess) {
        continue;
      }
      if (this.order.of(unit) === NONE) this.order.push(0, unit);
      else this.order.moveTo(0, unit);
    }
  }

  touch(ids: Uint32Array, count: number): void {
    if (!this.byAccess) return;
    for (let i = 0; i < count; i++) {
      const unit = this.units.of(ids[i]!);
      if (unit !== NONE) this.order.moveTo(0, unit);
    }
  }

  remove(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) if (this.units.of(ids[i]!) !== NONE) this.drop(ids[i]!);
  }

  victims(out: Uint32Array, count: number, flags: Uint8Array): number {
    const { units, order } = this;
    let taken = 0;
    for (let unit = order.first(0); unit !== NONE && taken < count;) {
      const younger = order.next(unit);
      for (let id = units.first(unit); id !== NONE && taken < out.length;) {
        const next = units.next(id);
        if ((flags[id]! & FRAME_BLOCKED) === 0) {
          this.drop(id);
          out[taken++] = id;
        }
        id = next;
      }
      unit = younger;
    }
    return taken;
  }

  private drop(id: number): void {
    const unit = this.units.remove(id);
    if (this.units.size(unit) === 0) this.order.remove(unit);
    this.tracked--;
  }
}
