import type { CancelFaultsCommand } from '@mirrorspace/core/driver';
import { accessBytes, accessFault, type FaultRing, type PlainAccess } from '@mirrorspace/core/driver';
import type { FaultReporter } from './context.js';
import type { FramePool } from './frames.js';
import type { Mmu } from './mmu.js';
import { type Outcome, type Run, stalledOn } from './run.js';

/** What plain accesses act on. */
export interface AccessHost {
  readonly pool: FramePool;
  readonly faults: FaultRing;
  readonly report: FaultReporter;
}

/** A plain access under way, page by page: what was done before a fault stays done and is not done again. */
export class AccessRun implements Run {
  readonly mmu: Mmu;
  readonly resident = 1;
  readonly #host: AccessHost;
  readonly #queue: number;
  readonly #command: PlainAccess;
  readonly #bytes: number;
  #done = 0;
  /** Address it stalled at. */
  readonly #stalledAt: number[] = [];
  /** Bytes read so far; they reach the caller only if the whole access succeeds. */
  #staging: Uint8Array | undefined;

  constructor(host: AccessHost, mmu: Mmu, queue: number, command: PlainAccess) {
    this.mmu = mmu;
    this.#host = host;
    this.#queue = queue;
    this.#command = command;
    this.#bytes = accessBytes(command);
  }

  get stalled(): number {
    return this.#stalledAt.length;
  }

  replay(): void {
    // The next step tries the page it stalled at; nothing limits a single access.
  }

  cancelled(command: CancelFaultsCommand): { address: number; reason: number } | undefined {
    return stalledOn(this.#stalledAt, command);
  }

  step(): Outcome {
    const { faults, pool, report } = this.#host;
    const command = this.#command;
    const { tlb, pageBytes } = this.mmu;
    const store = command.kind !== 'read';
    faults.stalled -= this.#stalledAt.length;
    this.#stalledAt.length = 0;
    while (this.#done < this.#bytes) {
      const address = command.address + this.#done;
      const page = Math.floor(address / pageBytes);
      const at = this.mmu.translate(page, store);
      if (at < 0) {
        const error = report(this.mmu, address, accessFault(command), this.#queue);
        if (error !== undefined) throw error;
        this.#stalledAt.push(address);
        faults.stalled++;
        return 'stalled';
      }
      const offset = address - page * pageBytes;
      const count = Math.min(this.#bytes - this.#done, pageBytes - offset);
      this.#part(pool, tlb.frames[at]!, offset, count);
      this.#done += count;
    }
    if (command.kind === 'read' && this.#staging !== undefined) command.into.set(this.#staging);
    faults.retired++;
    return 'done';
  }

  /** Does the part of the access that lies in one frame. */
  #part(pool: FramePool, frame: number, offset: number, count: number): void {
    const command = this.#command;
    if (command.kind === 'fill') return pool.fill(frame, offset, count, command.value);
    const from = pool.offsetOf(frame) + offset;
    if (command.kind === 'read') {
      const bytes = pool.slabs[frame >>> pool.slabShift]!.u8.subarray(from, from + count);
      if (count === this.#bytes) command.into.set(bytes);
      else (this.#staging ??= new Uint8Array(this.#bytes)).set(bytes, this.#done);
      return;
    }
    const slab = pool.writable(frame);
    if (command.kind === 'write') slab.u8.set(command.from.subarray(this.#done, this.#done + count), from);
    else {
      const previous = slab.u32[from >>> 2]!;
      slab.u32[from >>> 2] = previous + command.value;
      command.previous[0] = previous;
    }
  }
}
