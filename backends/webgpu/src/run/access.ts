import type { CancelFaultsCommand, FaultRing, FillCommand, WriteCommand } from '@mirrorspace/core/driver';
import { accessBytes, accessFault, type PlainAccess } from '@mirrorspace/core/driver';
import type { FramePool } from '../frame-pool.js';
import type { Stream } from '../gpu/stream.js';
import type { WebgpuMmu } from '../table/mmu.js';
import type { PatchKernel } from './patch-kernel.js';
import { type Outcome, refused, type Run } from './run.js';

/** What accesses act on. */
export interface AccessHost {
  readonly stream: Stream;
  readonly pool: FramePool;
  readonly patch: PatchKernel;
  readonly faults: FaultRing;
  readonly pageBytes: number;
  /** Reports a fault. @throws MirrorError `ADDRESS_NOT_MAPPED` outside all that the MMU can map */
  report(mmu: WebgpuMmu, address: number, access: number, queue: number): void;
}

/** A part of an access that lies in one frame. */
interface Part {
  /** First byte in the pool. */
  readonly at: number;
  /** First byte in the access. */
  readonly from: number;
  readonly bytes: number;
}

/**
 * A plain access under way: the CPU translates, and copies to and from frames. What was done before a fault stays done and is
 * not done again; what was read reaches the caller only if all was.
 */
export class AccessRun implements Run {
  readonly mmu: WebgpuMmu;
  readonly #host: AccessHost;
  readonly #queue: number;
  readonly #command: PlainAccess;
  readonly #bytes: number;
  readonly #stalledAt: number[] = [];
  #done = 0;
  #read: Uint8Array | undefined;

  constructor(host: AccessHost, mmu: WebgpuMmu, queue: number, command: PlainAccess) {
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
    // The next step tries the page it stalled at.
  }

  cancelled(command: CancelFaultsCommand): { address: number; reason: number } | undefined {
    return refused(this.#stalledAt, command);
  }

  step(): Outcome | Promise<Outcome> {
    const { faults } = this.#host;
    faults.stalled -= this.#stalledAt.length;
    this.#stalledAt.length = 0;
    const parts: Part[] = [];
    const store = this.#command.kind !== 'read';
    const { pageBytes } = this.#host;
    while (this.#done < this.#bytes) {
      const address = this.#command.address + this.#done;
      const page = Math.floor(address / pageBytes);
      const at = this.mmu.entries.translate(page, store);
      if (at < 0) {
        this.#host.report(this.mmu, address, accessFault(this.#command), this.#queue);
        this.#stalledAt.push(address);
        break;
      }
      const offset = address - page * pageBytes;
      const bytes = Math.min(this.#bytes - this.#done, pageBytes - offset);
      parts.push({ at: at + offset, from: this.#done, bytes });
      this.#done += bytes;
    }
    const work = this.#perform(parts);
    return work === undefined ? this.#end() : work.then(() => this.#end());
  }

  #end(): Outcome {
    const { faults } = this.#host;
    faults.stalled += this.#stalledAt.length;
    if (this.#stalledAt.length > 0) return 'stalled';
    if (this.#command.kind === 'read' && this.#read !== undefined) this.#command.into.set(this.#read);
    faults.retired++;
    return 'done';
  }

  #perform(parts: readonly Part[]): Promise<void> | undefined {
    const command = this.#command;
    if (parts.length === 0) return undefined;
    if (command.kind === 'read') return this.#load(parts);
    if (command.kind === 'atomicAdd') {
      return this.#host.patch
        .add(parts[0]!.at, command.value)
        .then((previous) => void (command.previous[0] = previous));
    }
    for (const part of parts) this.#store(command, part);
    return undefined;
  }

  #load(parts: readonly Part[]): Promise<void> {
    const { stream, pool } = this.#host;
    this.#read ??= new Uint8Array(this.#bytes);
    const read = this.#read;
    // Copies begin and end at multiples of four.
    const places: number[] = [];
    let total = 0;
    for (const { at, bytes } of parts) {
      places.push(total + (at % 4));
      total += Math.ceil((bytes + (at % 4)) / 4) * 4;
    }
    const copy = (staging: GPUBuffer) =>
      parts.forEach(({ at, bytes }, i) => {
        const first = at - (at % 4);
        const length = Math.ceil((bytes + (at % 4)) / 4) * 4;
        stream.encoder.copyBufferToBuffer(
          pool.bufferAt(at),
          pool.offsetAt(first),
          staging,
          places[i]! - (at % 4),
          length,
        );
      });
    return stream.readBack(total, copy, (bytes) =>
      parts.forEach((part, i) => read.set(bytes.subarray(places[i], places[i]! + part.bytes), part.from)),
    );
  }

  /** Whole words are written as they are; of the words at both ends only some bytes may change. */
  #store(command: WriteCommand | FillCommand, { at, from, bytes }: Part): void {
    const { stream, pool, patch } = this.#host;
    const source = command.kind === 'write' ? command.from : undefined;
    const byte = (i: number) => source?.[from + i] ?? (command as FillCommand).value;
    const first = Math.min(bytes, (4 - (at % 4)) % 4);
    const whole = Math.floor((bytes - first) / 4) * 4;
    if (first > 0) patch.store(at, first, byte);
    if (whole > 0) {
      const target = pool.bufferAt(at + first);
      const offset = pool.offsetAt(at + first);
      if (source !== undefined) stream.write(target, offset, source, from + first, whole);
      else stream.write(target, offset, new Uint8Array(whole).fill((command as FillCommand).value), 0, whole);
    }
    const rest = bytes - first - whole;
    if (rest > 0) patch.store(at + first + whole, rest, (i) => byte(first + whole + i));
  }
}
