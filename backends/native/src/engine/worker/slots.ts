import { HEAD, LANE, SLOT, STATE, TLB } from '../words.js';
import { COMMAND, COMMAND_BYTES, LAUNCH, listsAt } from '../mail.js';
import type { Shared } from '../shared.js';

/** What can stall, as the engine's thread handles it: the plain access of each lane, and the compute units. */
export class Slots {
  readonly #shared: Shared;
  readonly #frames: Uint8Array;
  readonly #beats: Int32Array;
  readonly #since: Float64Array;

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#frames = new Uint8Array(shared.frames.buffer);
    this.#beats = new Int32Array(shared.layout.slots);
    this.#since = new Float64Array(shared.layout.slots);
  }

  /** Starts the units of a launch: as many as there are, or as it has work for. */
  start(lane: number, mmu: number): void {
    const { layout, shape } = this.#shared;
    const at = layout.lane(lane);
    const first = (layout.mail(lane) + COMMAND_BYTES) >>> 3;
    const { floats } = this.#shared;
    const total = floats[first + LAUNCH.x]! * floats[first + LAUNCH.y]! * floats[first + LAUNCH.z]!;
    const chunks = Math.ceil(total / floats[first + LAUNCH.chunk]!);
    const units = Math.min(shape.units, chunks);
    this.#shared.store(at, LANE.next, 0);
    this.#shared.store(at, LANE.chunks, chunks);
    this.#shared.store(at, LANE.failed, 0);
    for (let unit = 0; unit < units; unit++) {
      const slot = layout.slot(layout.unitSlot(lane, unit));
      this.#shared.store(slot, SLOT.mmu, mmu);
      this.#shared.store(slot, SLOT.cancel, 0);
      this.#shared.store(slot, SLOT.state, STATE.start);
      this.#shared.wake(slot, SLOT.state);
    }
  }

  /** Whether all units of a lane have ended. */
  haveEnded(lane: number): boolean {
    const { layout, shape } = this.#shared;
    for (let unit = 0; unit < shape.units; unit++) {
      const state = this.#shared.load(layout.slot(layout.unitSlot(lane, unit)), SLOT.state);
      if (state !== STATE.idle && state !== STATE.none) return false;
    }
    return true;
  }

  /** Asks every unit that runs on the MMU to acknowledge its epoch: none finds a translation in its cache before that. */
  request(mmu: number): void {
    const { layout, shape } = this.#shared;
    for (let slot = shape.lanes; slot < layout.slots; slot++) {
      const at = layout.slot(slot);
      if (this.#shared.load(at, SLOT.state) !== STATE.run || this.#shared.load(at, SLOT.mmu) !== mmu) continue;
      Atomics.store(this.#frames, layout.tlb(slot) + TLB.requested, 1);
    }
  }

  /** Whether every unit that runs on the MMU has seen its epoch. */
  acknowledged(mmu: number, epoch: number): boolean {
    const { layout, shape } = this.#shared;
    for (let slot = shape.lanes; slot < layout.slots; slot++) {
      const at = layout.slot(slot);
      if (this.#shared.load(at, SLOT.state) !== STATE.run || this.#shared.load(at, SLOT.mmu) !== mmu) continue;
      if (((this.#shared.load(at, SLOT.ack) - epoch) | 0) < 0) return false;
    }
    return true;
  }

  /** Whether it waits for a replay of faults of the MMU. */
  #isStalled(slot: number, mmu: number): boolean {
    const at = this.#shared.layout.slot(slot);
    return this.#shared.load(at, SLOT.state) === STATE.faulted && this.#shared.load(at, SLOT.mmu) === mmu;
  }

  /** Finds what is stalled on pages of a command that cancels faults. */
  listed(command: number, found: (slot: number, address: number, reason: number) => void): void {
    const { words, floats, bytes, shape, layout } = this.#shared;
    const mmu = words[(command >>> 2) + COMMAND.mmu]!;
    const count = words[(command >>> 2) + COMMAND.count]!;
    const lists = listsAt(command, count);
    const pageBytes = 2 ** (shape.pageShift + shape.sizeShifts[words[(command >>> 2) + COMMAND.size]!]!);
    for (let slot = 0; slot < layout.slots; slot++) {
      if (!this.#isStalled(slot, mmu)) continue;
      const address = this.#shared.number(layout.slot(slot), SLOT.address);
      const first = lists.pages >>> 3;
      const at = floats.subarray(first, first + count).indexOf(Math.floor(address / pageBytes));
      if (at >= 0) found(slot, address, bytes[lists.access + at]!);
    }
  }

  /** The engine's own access of a lane stalls. */
  stall(lane: number, mmu: number, address: number, access: number): void {
    const at = this.#shared.layout.slot(lane);
    this.#shared.store(at, SLOT.mmu, mmu);
    this.#shared.setNumber(at, SLOT.address, address);
    this.#shared.store(at, SLOT.access, access);
    this.#shared.add(at, SLOT.fault, 1);
    this.#shared.store(at, SLOT.state, STATE.faulted);
    Atomics.add(this.#shared.words, HEAD.stalled, 1);
  }

  /** The engine's own access of a lane goes on, or ends. */
  resume(lane: number): void {
    const at = this.#shared.layout.slot(lane);
    if (this.#shared.load(at, SLOT.state) !== STATE.faulted) return;
    Atomics.sub(this.#shared.words, HEAD.stalled, 1);
    this.#shared.store(at, SLOT.state, STATE.idle);
  }

  /** Lets a stalled unit go on; `cancel` as {@link SLOT} says. */
  release(slot: number, cancel: number): void {
    const at = this.#shared.layout.slot(slot);
    Atomics.sub(this.#shared.words, HEAD.stalled, 1);
    this.#shared.store(at, SLOT.cancel, cancel);
    this.#shared.store(at, SLOT.state, STATE.start);
    this.#shared.wake(at, SLOT.state);
  }

  /** Lets up to `window` stalled units of a lane go on. */
  releaseUnits(lane: number, window: number, cancel: number): void {
    const { layout, shape } = this.#shared;
    for (let unit = 0; unit < shape.units && window > 0; unit++) {
      const slot = layout.unitSlot(lane, unit);
      if (this.#shared.load(layout.slot(slot), SLOT.state) !== STATE.faulted) continue;
      this.release(slot, cancel);
      window--;
    }
  }

  /** Marks units that neither ended nor stalled for too long. `true`: there are new ones. */
  watch(now: number): boolean {
    const { layout, shape } = this.#shared;
    let found = false;
    for (let slot = shape.lanes; slot < layout.slots; slot++) {
      const at = layout.slot(slot);
      const beat = this.#shared.load(at, SLOT.beat);
      if (this.#shared.load(at, SLOT.state) !== STATE.run || beat !== this.#beats[slot]) {
        this.#beats[slot] = beat;
        this.#since[slot] = now;
      } else if (now - this.#since[slot]! > shape.unitMs) {
        this.#since[slot] = Infinity;
        this.#shared.store(at, SLOT.overdue, 1);
        Atomics.add(this.#shared.words, HEAD.overdue, 1);
        found = true;
      }
    }
    return found;
  }
}
