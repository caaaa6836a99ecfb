import { type EvictionFactory, type EvictionPolicy, FRAME_DIRTY } from '../../../src/policy/index.js';

/** What an access did. */
export interface Access {
  readonly page: number;
  readonly hit: boolean;
  /** Pages given up for it. */
  readonly evicted: readonly number[];
}

/** The least that a policy needs around it: frames, served one access at a time. */
export class Cache {
  readonly policy: EvictionPolicy;
  readonly frameOf = new Map<number, number>();
  private readonly pageOf: number[] = [];
  private readonly free: number[];
  private readonly flags: Uint8Array;
  private readonly out: Uint32Array;

  constructor(factory: EvictionFactory, room: number, pageSize = 4096) {
    this.policy = factory(room, pageSize);
    this.free = Array.from({ length: room }, (_, i) => room - 1 - i);
    this.flags = new Uint8Array(room);
    this.out = new Uint32Array(1 + (this.policy.overshoot ?? 0));
  }

  access(page: number, write = false): Access {
    const frame = this.frameOf.get(page);
    if (frame !== undefined) {
      if (write) this.flags[frame] = FRAME_DIRTY;
      this.policy.touch(Uint32Array.of(frame), 1);
      return { page, hit: true, evicted: [] };
    }
    const evicted: number[] = [];
    if (this.free.length === 0) {
      const count = this.policy.victims(this.out, 1, this.flags, Float64Array.of(page));
      for (const victim of this.out.subarray(0, count)) {
        evicted.push(this.pageOf[victim]!);
        this.frameOf.delete(this.pageOf[victim]!);
        this.flags[victim] = 0;
      }
      this.free.push(...this.out.subarray(0, count).slice().reverse());
    }
    const taken = this.free.pop()!;
    this.frameOf.set(page, taken);
    this.pageOf[taken] = page;
    if (write) this.flags[taken] = FRAME_DIRTY;
    this.policy.insert(Uint32Array.of(taken), 1, Float64Array.of(page));
    return { page, hit: false, evicted };
  }

  /** Accesses pages in order; gives the number of misses. */
  misses(pages: readonly number[]): number {
    return pages.filter((page) => !this.access(page).hit).length;
  }

  /** Accesses pages in order; gives what was evicted, in order. */
  evictions(pages: readonly number[]): number[] {
    return pages.flatMap((page) => this.access(page).evicted);
  }
}
