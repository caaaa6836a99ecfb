import type { CancelFaultsCommand, JsProgram, LaunchCommand } from '@mirrorspace/core/driver';
import { type FaultRing, MirrorError } from '@mirrorspace/core/driver';
import type { Unit } from './context.js';
import type { Mmu } from './mmu.js';
import { type Outcome, type Run, stalledOn } from './run.js';

/** What a launch runs on. */
export interface LaunchHost {
  readonly name: string;
  readonly unit: Unit;
  readonly faults: FaultRing;
  readonly residentUnits: number;
}

interface MutableId {
  x: number;
  y: number;
  z: number;
}

/**
 * A launch under way. Units run in rounds of up to `residentUnits`. One that faults keeps its place among the resident
 * ones and runs again, from its start, after a replay; so a unit takes effect once, in the round in which it ends.
 */
export class LaunchRun implements Run {
  readonly mmu: Mmu;
  readonly #host: LaunchHost;
  readonly #queue: number;
  readonly #program: JsProgram;
  readonly #command: LaunchCommand;
  readonly #width: number;
  readonly #height: number;
  readonly #total: number;
  #next = 0;
  /** Stalled units in the order they started, and where each stalled. */
  #units: number[] = [];
  #addresses: number[] = [];
  /** So many of the first stalled units may try again. */
  #ready = 0;
  /** Units that may still run before the next replay. */
  #budget = Infinity;
  readonly #id: MutableId = { x: 0, y: 0, z: 0 };

  constructor(host: LaunchHost, mmu: Mmu, queue: number, command: LaunchCommand) {
    this.mmu = mmu;
    this.#host = host;
    this.#queue = queue;
    this.#command = command;
    this.#program = command.program as JsProgram;
    this.#width = command.grid[0];
    this.#height = command.grid[1];
    this.#total = command.grid[0] * command.grid[1] * command.grid[2];
  }

  get stalled(): number {
    return this.#units.length;
  }

  /** Work units whose state a preemption has to save. */
  get resident(): number {
    return Math.min(this.#host.residentUnits, this.#units.length + this.#total - this.#next);
  }

  replay(window: number): void {
    this.#ready = Math.min(window, this.#units.length);
    this.#budget = window;
  }

  cancelled(command: CancelFaultsCommand): { address: number; reason: number } | undefined {
    return stalledOn(this.#addresses, command);
  }

  /** Runs one round. @throws MirrorError when the launch fails */
  step(): Outcome {
    const { unit, faults, residentUnits } = this.#host;
    const units = this.#units;
    const before = units.length;
    unit.enter(this.mmu, this.#queue);
    try {
      this.#retry();
      // A unit that stalls stays resident; one that ends makes room for the next only in the next round.
      let room = Math.min(residentUnits - before, this.#budget, this.#total - this.#next);
      for (; room > 0; room--) {
        this.#budget--;
        this.#attempt(this.#next++, units.length);
      }
    } finally {
      faults.stalled += units.length - before;
    }
    if (units.length === 0) {
      if (this.#next === this.#total) return 'done';
      // All that may run did and nothing is stalled: no replay would come to lift the limit.
      this.#budget = Infinity;
      return 'more';
    }
    const mayStart = this.#next < this.#total && this.#budget > 0 && units.length < residentUnits;
    return mayStart ? 'more' : 'stalled';
  }

  /** Runs the units that a replay released; those that stall again keep their order. */
  #retry(): void {
    const ready = this.#ready;
    if (ready === 0) return;
    this.#ready = 0;
    const units = this.#units;
    const addresses = this.#addresses;
    let kept = 0;
    for (let i = 0; i < units.length; i++) {
      if (i < ready) {
        this.#budget--;
        if (this.#attempt(units[i]!, kept)) continue;
      } else {
        units[kept] = units[i]!;
        addresses[kept] = addresses[i]!;
      }
      kept++;
    }
    units.length = addresses.length = kept;
  }

  /** Runs one unit; if it stalls it is noted at `place`, and the result is `false`. */
  #attempt(index: number, place: number): boolean {
    const { unit, faults } = this.#host;
    const id = this.#id;
    const width = this.#width;
    if (index < width) {
      id.x = index;
      id.y = id.z = 0;
    } else {
      const row = Math.floor(index / width);
      id.x = index - row * width;
      id.z = Math.floor(row / this.#height);
      id.y = row - id.z * this.#height;
    }
    unit.begin();
    let result: unknown;
    try {
      result = this.#program.run(unit, id, this.#command.args);
    } catch (cause) {
      if (!unit.abandoned) {
        unit.undo();
        throw this.#failure(index, cause);
      }
    }
    // Not only after an exception: the program may have caught it.
    if (!unit.abandoned && result !== 'retry') {
      faults.retired++;
      return true;
    }
    unit.undo();
    if (unit.error !== undefined) throw unit.error;
    if (unit.faultAddress < 0) throw this.#failure(index, new Error("it returned 'retry' though no probe had failed"));
    this.#units[place] = index;
    this.#addresses[place] = unit.faultAddress;
    return false;
  }

  #failure(index: number, cause: unknown): MirrorError {
    if (cause instanceof MirrorError) return cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    return new MirrorError('PROGRAM', `Work unit ${index} of a launch on ${this.#host.name} failed: ${message}`, {
      device: this.#host.name,
      cause,
    });
  }
}
