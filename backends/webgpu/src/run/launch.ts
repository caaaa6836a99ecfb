import type { CancelFaultsCommand, FaultRing, LaunchCommand } from '@mirrorspace/core/driver';
import { FAULT_READ, MirrorError } from '@mirrorspace/core/driver';
import type { WgslProgram } from '@mirrorspace/core/driver';
import type { Ledger } from '../gpu/ledger.js';
import { USAGE } from '../gpu/usage.js';
import type { WebgpuMmu } from '../table/mmu.js';
import { ALL_PARAM_WORDS, type ControlLayout } from '../wgsl/control.js';
import type { Kernel } from '../wgsl/kernel.js';
import { type RoundHost, type RoundOutcome, type RoundPlan, runRound } from './round.js';
import { type Outcome, refused, type Run } from './run.js';
import { StalledUnits } from './stalled-units.js';

const NONE = new Uint32Array(0);

/** What launches share: they run one at a time. */
export interface LaunchHost extends RoundHost {
  readonly name: string;
  readonly faults: FaultRing;
  readonly residentUnits: number;
  readonly pageBytes: number;
  /** The program made ready for the table that an MMU has now. */
  kernel(program: WgslProgram, mmu: WebgpuMmu): Promise<Kernel>;
  /** Reports a fault. @throws MirrorError `ADDRESS_NOT_MAPPED` outside all that the MMU can map */
  report(mmu: WebgpuMmu, address: number, access: number, queue: number): void;
}

/** The buffers that launches of a device share. */
export function launchBuffers(
  ledger: Ledger,
  layout: ControlLayout,
): Pick<LaunchHost, 'control' | 'params' | 'indirect'> {
  return {
    control: ledger.create('launches', layout.words * 4, USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST),
    params: ledger.create('launches', ALL_PARAM_WORDS * 4, USAGE.UNIFORM | USAGE.COPY_DST),
    indirect: ledger.create('launches', 16, USAGE.INDIRECT | USAGE.COPY_DST),
  };
}

/**
 * A launch under way, in rounds: units whose page came and units that are new run without effect first, those whose pages are
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
  readonly #units = new StalledUnits();
  /** Byte addresses of faults that units stalled on since the last replay. */
  readonly #addresses = new Set<number>();
  /** So many of the first stalled units may try again. */
  #ready = 0;
  /** Units that may still run before the next replay. */
  #budget = Infinity;

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
    return refused(this.#addresses, command) ?? refused(this.#units.addresses, command);
  }

  async step(): Promise<Outcome> {
    const { faults, residentUnits } = this.#host;
    const kernel = await this.#host.kernel(this.#program, this.mmu);
    if (this.#next === 0 && this.#units.length === 0 && this.#isAllThere()) {
      await this.#round({ kernel, how: 'sure', retried: NONE, fresh: this.#total });
      return 'done';
    }
    const retried = this.#retry();
    faults.stalled -= retried.length;
    const kept = this.#units.length;
    this.#budget -= retried.length;
    const fresh = Math.max(0, Math.min(residentUnits - kept - retried.length, this.#budget, this.#total - this.#next));
    this.#budget -= fresh;
    const how = this.#program.idempotent === true ? 'direct' : 'probe';
    if (retried.length + fresh > 0) await this.#round({ kernel, how, retried, fresh });
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

  /** Of the units that may try again, takes those whose page is there by now. The others are known to fault again, and say so. */
  #retry(): Uint32Array {
    const ready = this.#ready;
    this.#ready = 0;
    if (ready === 0) return NONE;
    const { pageBytes } = this.#host;
    const { entries } = this.mmu;
    return this.#units.take((index) => {
      if (index >= ready) return false;
      const address = this.#units.address(index);
      const access = this.#units.access(index);
      if (entries.allows(Math.floor(address / pageBytes), access !== FAULT_READ)) return true;
      this.#report(address, access);
      return false;
    });
  }

  /** Whether the launch said what it accesses, and all of it is there: it is noted as accessed then. */
  #isAllThere(): boolean {
    const { only } = this.#command;
    if (only === undefined) return false;
    const { entries } = this.mmu;
    const pages = this.#host.pageBytes;
    const there = (ranges: typeof only.reads, store: boolean) =>
      ranges.every(([start, bytes]) =>
        entries.allowsAll(Math.floor(start / pages), Math.ceil((start + bytes) / pages), store),
      );
    if (!there(only.reads, false) || !there(only.writes, true)) return false;
    const note = (ranges: typeof only.reads, store: boolean) =>
      ranges.forEach(([start, bytes]) =>
        entries.note(Math.floor(start / pages), Math.ceil((start + bytes) / pages), store),
      );
    note(only.reads, false);
    note(only.writes, true);
    return true;
  }

  async #round(plan: Pick<RoundPlan, 'kernel' | 'how' | 'retried' | 'fresh'>): Promise<void> {
    const next = this.#next;
    this.#next += plan.fresh;
    if (plan.how !== 'sure') this.mmu.touch();
    await runRound(this.#host, { command: this.#command, mmu: this.mmu, next, ...plan }, (outcome) => {
      if (outcome.broken !== undefined) throw this.#brokenBy(outcome.broken, outcome);
      this.#host.faults.retired += plan.how === 'sure' ? plan.fresh : outcome.ready;
      this.#units.add(outcome);
      this.#host.faults.drop(outcome.dropped);
      for (let i = 0; i < outcome.faults; i++) this.#report(outcome.faultAddress(i), outcome.faultAccess(i));
    });
  }

  #report(address: number, access: number): void {
    this.#addresses.add(address);
    this.#host.report(this.mmu, address, access, this.#queue);
  }

  #brokenBy(unit: number, outcome: RoundOutcome): MirrorError {
    const { name } = this.#host;
    const why =
      this.#command.only === undefined
        ? 'when it stored that it had not reached when it was tried: which addresses a unit touches must not depend on what it, or another unit that runs beside it, stores'
        : 'that the launch did not list in `reads` or `writes`, although it is `exact`, or that it had not reached when it was tried: which addresses a unit touches must not depend on what units store';
    return new MirrorError(
      'PROGRAM',
      `work unit ${unit} of a launch on ${name} reached a page ${why}. What it stored before may have taken effect.`,
      { device: name, ...(outcome.faults > 0 && { address: outcome.faultAddress(0) }) },
    );
  }
}
