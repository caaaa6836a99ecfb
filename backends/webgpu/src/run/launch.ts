import type { CancelFaultsCommand, FaultRing, LaunchCommand, LaunchRanges } from '@mirrorspace/core/driver';
import { FAULT_READ, MirrorError } from '@mirrorspace/core/driver';
import type { WgslProgram } from '@mirrorspace/core/driver';
import type { Ledger } from '../gpu/ledger.js';
import { USAGE } from '../gpu/usage.js';
import type { WebgpuMmu } from '../table/mmu.js';
import { ALL_PARAM_WORDS, type ControlLayout } from '../wgsl/control.js';
import type { Kernel, Way } from '../wgsl/kernel.js';
import { type RoundHost, type RoundLaunch, type RoundUnits, runUnits, scoutUnits } from './round.js';
import { type Outcome, refused, type Run } from './run.js';
import type { ScoutReport } from './scout-report.js';
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
 * A launch under way, in rounds: units whose page came and units that are new run without effect first; those whose pages are
 * all there run again and store. The others are looked into, so that everything that they miss is reported at once, and are stalled until a replay.
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
  /** Byte addresses of accesses that certainly wait, reported since the last replay. */
  readonly #addresses = new Set<number>();
  /** So many of the first stalled units may try again. */
  #ready = 0;
  /** New units that may start before the next replay. */
  #budget = Infinity;
  /** Units that may go on before the next replay, new ones or not. */
  #window = Infinity;
  /** So many units are looked into at once: about as many as fill the fault buffer. */
  #scouts: number;
  /** Whether new units are likely to miss pages: they are looked into at once then. */
  #misses = false;
  #kernel: Kernel | undefined;
  /** Whether all that it accesses is known and there, so that the next step runs every unit. Nothing comes between `prepare` and `step`. */
  #sure = false;
  /** Units that count as stalled: not those that may go on, nor those of which it is not reported yet what they miss. */
  #counted = 0;

  constructor(host: LaunchHost, mmu: WebgpuMmu, queue: number, command: LaunchCommand) {
    this.mmu = mmu;
    this.#host = host;
    this.#queue = queue;
    this.#command = command;
    this.#program = command.program as WgslProgram;
    this.#total = command.grid[0] * command.grid[1] * command.grid[2];
    this.#scouts = Math.min(host.faults.capacity, host.residentUnits);
  }

  get stalled(): number {
    return this.#counted;
  }

  replay(window: number): void {
    this.#ready = Math.min(window, this.#units.length);
    this.#count(this.#units.length - this.#ready);
    this.#budget = window - this.#ready;
    this.#window = window;
    this.#addresses.clear();
  }

  cancelled(command: CancelFaultsCommand): { address: number; reason: number } | undefined {
    return refused(this.#addresses, command);
  }

  prepare(): Promise<void> | undefined {
    if (this.mmu.outgrown) return this.mmu.fit();
    if (this.#kernel?.deep !== this.mmu.entries.table.deep) return this.#compile();
    this.#sure = this.#next === 0 && this.#units.length === 0 && this.#isAllThere();
    const ways = [...this.#ways(), ...(this.#units.length > 0 ? (['scout'] as const) : [])];
    return this.#kernel.isReady(ways) ? undefined : this.#kernel.prepare(ways);
  }

  async step(): Promise<Outcome> {
    const kernel = this.#kernel!;
    const launch = { command: this.#command, mmu: this.mmu, kernel };
    if (this.#sure) {
      this.#noteAll();
      await this.#run(launch, 'sure', NONE, this.#total);
      return 'done';
    }
    await this.#goOn(launch);
    if (this.#units.length === 0) {
      if (this.#next === this.#total) return 'done';
      // All that may run did and nothing is stalled: no replay would come to lift the limit.
      this.#budget = this.#window = Infinity;
      return 'more';
    }
    // Faults are reported many at a time.
    if (this.#next < this.#total && this.#budget > 0 && this.#units.length < this.#scouts) return 'more';
    // The next step has what it takes to look into them.
    if (!kernel.isReady(['scout'])) return 'more';
    const goesOn = await this.#scout(launch);
    this.#count(this.#units.length);
    return goesOn ? 'more' : 'stalled';
  }

  /** Says how many units are stalled from now on. */
  #count(stalled: number): void {
    this.#host.faults.stalled += stalled - this.#counted;
    this.#counted = stalled;
  }

  async #compile(): Promise<void> {
    this.#kernel = await this.#host.kernel(this.#program, this.mmu);
  }

  /** How its units are run, as far as that is known. */
  #ways(): readonly Way[] {
    if (this.#sure) return ['sure'];
    return this.#program.idempotent === true ? ['direct'] : ['probe', 'commit'];
  }

  /** Runs units that may try again and units that are new. */
  async #goOn(launch: RoundLaunch): Promise<void> {
    const { residentUnits, pageBytes } = this.#host;
    const { entries } = this.mmu;
    const isThere = (address: number, access: number) =>
      entries.allows(Math.floor(address / pageBytes), access !== FAULT_READ);
    const retried = this.#units.takeReady(this.#ready, isThere);
    this.#ready = 0;
    const kept = this.#units.length;
    const most = this.#misses ? this.#scouts : residentUnits;
    const fresh = Math.max(0, Math.min(most - kept - retried.length, this.#budget, this.#total - this.#next));
    this.#budget -= fresh;
    if (this.#units.length < this.#counted) this.#count(this.#units.length);
    if (this.#misses) {
      this.#units.add(Uint32Array.from({ length: fresh }, (_, i) => this.#next + i));
      this.#next += fresh;
    }
    const started = this.#misses ? 0 : fresh;
    const how = this.#program.idempotent === true ? 'direct' : 'probe';
    if (retried.length + started > 0) await this.#run(launch, how, retried, started);
  }

  async #run(launch: RoundLaunch, how: RoundUnits['how'], retried: Uint32Array, fresh: number): Promise<void> {
    const next = this.#next;
    this.#next += fresh;
    const broken = await runUnits(this.#host, launch, { how, retried, next, fresh }, (outcome) => {
      if (outcome.broken !== undefined) return outcome.broken;
      this.#host.faults.retired += outcome.ready;
      this.#window -= outcome.ready;
      this.#units.add(outcome.stalled);
      if (fresh > 0) this.#misses = outcome.stalled.length > (retried.length + fresh) / 2;
      return undefined;
    });
    if (broken !== undefined) throw await this.#brokenBy(launch, broken);
  }

  /** Looks into the first stalled units and reports what they miss. Returns whether any misses nothing, and so may go on. */
  async #scout(launch: RoundLaunch): Promise<boolean> {
    const units = this.#units.first(Math.min(this.#scouts, this.#window));
    // What the others miss is reported when it is their turn.
    this.#host.faults.drop(this.#units.length - units.length);
    if (units.length === 0) return false;
    const { capacity } = this.#host.faults;
    return scoutUnits(this.#host, launch, units, (report) => {
      this.#reportAll(report);
      const ready = this.#units.learn(report);
      if (report.faults > capacity) this.#scouts = Math.max(1, Math.floor((units.length * capacity) / report.faults));
      else if (units.length === this.#scouts && report.faults < capacity / 2)
        this.#scouts = Math.min(2 * this.#scouts, this.#host.residentUnits);
      if (2 * ready > units.length) this.#misses = false;
      if (ready > 0) this.#ready = units.length;
      return ready > 0;
    });
  }

  /** Unit by unit, so that some get all that they need. */
  #reportAll(report: ScoutReport): void {
    for (let i = 0; i < report.units; i++) if (report.unitAddress(i) >= 0) this.#addresses.add(report.unitAddress(i));
    for (const i of report.order()) {
      const address = report.address(i);
      if (!report.isGuess(i)) this.#addresses.add(address);
      else if (address < this.#host.pageBytes || address >= 2 ** this.mmu.addressBits) continue;
      this.#host.report(this.mmu, address, report.access(i), this.#queue);
    }
  }

  /** Whether the launch said what it accesses, and all of it is there. */
  #isAllThere(): boolean {
    const { only } = this.#command;
    if (only === undefined) return false;
    const { entries, noted } = this.mmu;
    if (noted.has(only, entries.changes)) return true;
    const there = (ranges: LaunchRanges['reads'], store: boolean) =>
      ranges.every((range) => entries.allowsAll(...this.#pagesOf(range), store));
    return there(only.reads, false) && there(only.writes, true);
  }

  /** Notes all that the launch said as accessed. */
  #noteAll(): void {
    const only = this.#command.only!;
    const { entries, noted } = this.mmu;
    if (noted.has(only, entries.changes)) return;
    for (const range of only.reads) entries.note(...this.#pagesOf(range), false);
    for (const range of only.writes) entries.note(...this.#pagesOf(range), true);
    noted.add(only, entries.changes);
  }

  /** The first page of a range of bytes, and the one behind the last. */
  #pagesOf([start, bytes]: LaunchRanges['reads'][number]): [from: number, to: number] {
    const { pageBytes } = this.#host;
    return [Math.floor(start / pageBytes), Math.ceil((start + bytes) / pageBytes)];
  }

  async #brokenBy(launch: RoundLaunch, unit: number): Promise<MirrorError> {
    const { name } = this.#host;
    const why =
      this.#command.only === undefined
        ? 'when it stored that it had not reached when it was tried: which addresses a unit touches must not depend on what it, or another unit that runs beside it, stores'
        : 'that the launch did not list in `reads` or `writes`, although it is `exact`, or that it had not reached when it was tried: which addresses a unit touches must not depend on what units store';
    const address = await scoutUnits(this.#host, launch, Uint32Array.of(unit), (report) => report.unitAddress(0));
    return new MirrorError(
      'PROGRAM',
      `work unit ${unit} of a launch on ${name} reached a page ${why}. What it stored before may have taken effect.`,
      { device: name, ...(address >= 0 && { address }) },
    );
  }
}
