import type { CancelFaultsCommand, FaultRing, LaunchCommand } from '@mirrorspace/core/driver';
import { MirrorError } from '@mirrorspace/core/driver';
import type { FramePool } from '../frame-pool.js';
import type { Ledger } from '../gpu/ledger.js';
import type { Stream } from '../gpu/stream.js';
import { USAGE } from '../gpu/usage.js';
import type { WgslProgram } from '@mirrorspace/core/driver';
import type { WebgpuMmu } from '../table/mmu.js';
import {
  AT_BROKEN,
  AT_FAULTS,
  AT_READY,
  AT_RETIRED,
  AT_STALLED,
  type ControlLayout,
  MOST_ARGS,
  PARAM_WORDS,
} from '../wgsl/control.js';
import type { Kernel } from '../wgsl/kernel.js';
import { WORD_ADDRESS_BITS } from '../wgsl/library.js';
import { type Outcome, refused, type Run } from './run.js';

/** Most workgroups in one dimension of a dispatch. */
const ROW = 65_535;

/** What launches share: they run one at a time. */
export interface LaunchHost {
  readonly name: string;
  readonly stream: Stream;
  readonly pool: FramePool;
  readonly faults: FaultRing;
  readonly layout: ControlLayout;
  readonly control: GPUBuffer;
  readonly params: GPUBuffer;
  readonly indirect: GPUBuffer;
  readonly addressBits: number;
  readonly residentUnits: number;
  readonly pageBytes: number;
  kernel(program: WgslProgram): Promise<Kernel>;
  report(mmu: WebgpuMmu, address: number, access: number, queue: number): void;
}

/** The buffers that launches of a device share. */
export function launchBuffers(
  ledger: Ledger,
  layout: ControlLayout,
): Pick<LaunchHost, 'control' | 'params' | 'indirect'> {
  return {
    control: ledger.create('launches', layout.words * 4, USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST),
    params: ledger.create('launches', (PARAM_WORDS + 4 * MOST_ARGS) * 4, USAGE.UNIFORM | USAGE.COPY_DST),
    indirect: ledger.create('launches', 16, USAGE.INDIRECT | USAGE.COPY_DST),
  };
}

/**
 * A launch under way, in rounds: units that were stalled and units that are new run without effect first, those whose pages are
 * all there run again and store, the others are stalled until a replay.
 */
export class LaunchRun implements Run {
  readonly mmu: WebgpuMmu;
  readonly #host: LaunchHost;
  readonly #queue: number;
  readonly #command: LaunchCommand;
  readonly #program: WgslProgram;
  readonly #total: number;
  #next = 0;
  #units: number[] = [];
  /** Byte addresses of faults that units stalled on since the last replay. */
  readonly #addresses = new Set<number>();
  /** So many of the first stalled units may try again. */
  #ready = 0;
  /** Units that may still run before the next replay. */
  #budget = Infinity;
  #kernel: Kernel | undefined;

  constructor(host: LaunchHost, mmu: WebgpuMmu, queue: number, command: LaunchCommand) {
    this.mmu = mmu;
    this.#host = host;
    this.#queue = queue;
    this.#command = command;
    this.#program = command.program as WgslProgram;
    this.#total = command.grid[0] * command.grid[1] * command.grid[2];
  }

  get stalled(): number {
    return this.#units.length;
  }

  replay(window: number): void {
    this.#ready = Math.min(window, this.#units.length);
    this.#budget = window;
    this.#addresses.clear();
  }

  cancelled(command: CancelFaultsCommand): { address: number; reason: number } | undefined {
    return refused(this.#addresses, command);
  }

  async step(): Promise<Outcome> {
    // What goes to the GPU goes there in the synchronous part of a step, so that somebody hears what WebGPU finds wrong with it.
    if (this.#kernel === undefined) {
      this.#kernel = await this.#host.kernel(this.#program);
      return 'more';
    }
    if (this.mmu.outgrown) {
      await this.mmu.fit();
      return 'more';
    }
    const { faults, residentUnits } = this.#host;
    if (this.#next === 0 && this.#units.length === 0 && this.#isAllThere()) {
      await this.#round(this.#kernel, [], this.#total, 'sure');
      return 'done';
    }
    const retried = this.#units.splice(0, this.#ready);
    this.#ready = 0;
    faults.stalled -= retried.length;
    const kept = this.#units.length;
    this.#budget -= retried.length;
    const fresh = Math.max(0, Math.min(residentUnits - kept - retried.length, this.#budget, this.#total - this.#next));
    this.#budget -= fresh;
    if (retried.length + fresh > 0)
      await this.#round(this.#kernel, retried, fresh, this.#program.idempotent === true ? 'direct' : 'probe');
    faults.stalled += this.#units.length - kept;
    if (this.#units.length === 0) {
      if (this.#next === this.#total) return 'done';
      // All that may run did and nothing is stalled: no replay would come to lift the limit.
      this.#budget = Infinity;
      return 'more';
    }
    const mayStart = this.#next < this.#total && this.#budget > 0 && this.#units.length < residentUnits;
    return mayStart ? 'more' : 'stalled';
  }

  /** Whether the launch said what it accesses, and all of it is there. */
  #isAllThere(): boolean {
    const { only } = this.#command;
    if (only === undefined) return false;
    const { pageBytes } = this.#host;
    const covers = (ranges: readonly (readonly [number, number])[], store: boolean) =>
      ranges.every(([start, bytes]) => {
        const end = Math.ceil((start + bytes) / pageBytes);
        for (let page = Math.floor(start / pageBytes); page < end; page++)
          if (!this.mmu.entries.allows(page, store)) return false;
        return true;
      });
    return covers(only.reads, false) && covers(only.writes, true);
  }

  async #round(
    kernel: Kernel,
    retried: readonly number[],
    fresh: number,
    how: 'probe' | 'direct' | 'sure',
  ): Promise<void> {
    const { stream, layout, control, indirect } = this.#host;
    const count = retried.length + fresh;
    this.#writeParams(count, retried.length);
    this.#next += fresh;
    this.mmu.touch();
    const table = this.mmu.tableBuffer;
    if (retried.length > 0) {
      const list = Uint32Array.from(retried);
      stream.write(control, layout.listAt * 4, list, 0, list.byteLength);
    }
    const bindings = this.#bind(kernel, table);
    const { encoder } = stream;
    encoder.clearBuffer(control, 0, layout.faultsAt * 4);
    encoder.clearBuffer(control, layout.seenAt * 4, (layout.readyAt - layout.seenAt) * 4);
    dispatch(encoder, kernel[how], bindings, (pass) =>
      pass.dispatchWorkgroups(Math.min(count, ROW), Math.ceil(count / ROW)),
    );
    if (how === 'probe') {
      encoder.copyBufferToBuffer(control, AT_READY * 4, indirect, 0, 4);
      dispatch(encoder, kernel.commit, bindings, (pass) => pass.dispatchWorkgroupsIndirect(indirect, 0));
    }
    const bytes = (layout.stalledAt + (how === 'sure' ? 0 : count)) * 4;
    await stream.readBack(
      bytes,
      (staging) => stream.encoder.copyBufferToBuffer(control, 0, staging, 0, bytes),
      (read) => this.#settle(new Uint32Array(read.buffer, read.byteOffset, bytes / 4), retried),
    );
  }

  /** Takes over what became of a round. */
  #settle(words: Uint32Array, retried: readonly number[]): void {
    const { faults, layout, name } = this.#host;
    faults.retired += words[AT_RETIRED]!;
    if (words[AT_BROKEN] !== 0) {
      throw new MirrorError(
        'PROGRAM',
        `work unit ${words[AT_BROKEN]! - 1} of a launch on ${name} reached a page when it stored that it had not reached when it was tried: which addresses a unit touches must not depend on what it, or another unit that runs beside it, stores. What it stored before may have taken effect.`,
        { device: name, ...this.#firstAddress(words) },
      );
    }
    const stalled = words.subarray(layout.stalledAt, layout.stalledAt + words[AT_STALLED]!);
    // Those that stall again keep their places in front of those that have not run yet.
    const order = new Map(retried.map((unit, i) => [unit, i]));
    const again = Array.from(stalled).sort(
      (a, b) => (order.get(a) ?? a + retried.length) - (order.get(b) ?? b + retried.length),
    );
    const before = this.#units;
    this.#units = again
      .filter((unit) => order.has(unit))
      .concat(
        before,
        again.filter((unit) => !order.has(unit)),
      );
    this.#report(words);
  }

  #report(words: Uint32Array): void {
    const { layout } = this.#host;
    const count = Math.min(words[AT_FAULTS]!, layout.faults);
    this.#host.faults.drop(words[AT_FAULTS]! - count);
    for (let i = 0; i < count; i++) {
      const { address, access } = this.#fault(words, i);
      this.#addresses.add(address);
      this.#host.report(this.mmu, address, access, this.#queue);
    }
  }

  #fault(words: Uint32Array, index: number): { address: number; access: number } {
    const { layout, addressBits } = this.#host;
    const low = words[layout.faultsAt + 2 * index]!;
    const high = words[layout.faultsAt + 2 * index + 1]!;
    if (addressBits <= WORD_ADDRESS_BITS) return { address: low * 4, access: high };
    return { address: (high >>> 2) * 2 ** 32 + low, access: high & 3 };
  }

  #firstAddress(words: Uint32Array): { address?: number } {
    return words[AT_FAULTS] === 0 ? {} : { address: this.#fault(words, 0).address };
  }

  #writeParams(count: number, listed: number): void {
    const { stream, params } = this.#host;
    const { grid, args } = this.#command;
    const words = new Uint32Array(PARAM_WORDS + 4 * MOST_ARGS);
    words.set([count, listed, this.#next, this.#total, ...grid]);
    const floats = new Float32Array(words.buffer);
    args.forEach((value, i) => {
      const at = PARAM_WORDS + 4 * i;
      words[at] = value;
      words[at + 1] = Math.floor(value / 2 ** 32);
      floats[at + 2] = value;
      words[at + 3] = Math.floor(value / 4);
    });
    stream.write(params, 0, words, 0, words.byteLength);
  }

  #bind(kernel: Kernel, table: GPUBuffer): GPUBindGroup {
    const { stream, control, params, pool } = this.#host;
    const buffers = [table, this.mmu.bitsBuffer, control, params, ...pool.buffers];
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
    return stream.device.createBindGroup({ layout: kernel.layout, entries });
  }
}

function dispatch(
  encoder: GPUCommandEncoder,
  pipeline: GPUComputePipeline,
  bindings: GPUBindGroup,
  start: (pass: GPUComputePassEncoder) => void,
): void {
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindings);
  start(pass);
  pass.end();
}
