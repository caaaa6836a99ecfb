import {
  BLOCK_BYTES,
  CACHE_BYTES,
  HEAD_BYTES,
  LANE_BYTES,
  MAIL_BYTES,
  MESSAGE_BYTES,
  MMU_BYTES,
  MOST_MMUS,
  SLOT_BYTES,
  TLB,
} from './words.js';

/** What sizes of memories are counted in by WebAssembly. */
export const WASM_PAGE = 65_536;

/** What the layout depends on. */
export interface Shape {
  /** Queues, and one lane more for what the device itself asks. */
  readonly lanes: number;
  /** Compute units a lane. */
  readonly units: number;
  readonly pageShift: number;
  /** By page size, how many of the smallest pages it has, as a power of two. */
  readonly sizeShifts: readonly number[];
  readonly memory: number;
  /** Milliseconds without an end or a stall after which a unit is given up. */
  readonly unitMs: number;
  /** By lane: 0 low, 1 normal, 2 high. */
  readonly ranks: readonly number[];
}

/** Where things are, as byte offsets in the control memory. */
export class Layout {
  readonly slots: number;
  readonly bytes: number;
  readonly blocks: number;
  /** Bytes of the memory with the frames, and the units' caches behind them. */
  readonly framesBytes: number;
  readonly #tlbsAt: number;
  readonly #units: number;
  readonly #lanes: number;
  readonly #slotsAt = HEAD_BYTES;
  readonly #lanesAt: number;
  readonly #mmusAt: number;
  readonly #cachesAt: number;
  readonly #messagesAt: number;
  readonly #mailAt: number;

  constructor({ lanes, units, pageShift, memory }: Shape) {
    this.#units = units;
    this.#lanes = lanes;
    this.slots = lanes * (1 + units);
    this.#tlbsAt = Math.ceil(memory / 64) * 64;
    this.framesBytes = Math.ceil((this.#tlbsAt + this.slots * TLB.bytes) / WASM_PAGE) * WASM_PAGE;
    this.#lanesAt = this.#slotsAt + this.slots * SLOT_BYTES;
    this.#mmusAt = this.#lanesAt + lanes * LANE_BYTES;
    this.#cachesAt = this.#mmusAt + MOST_MMUS * MMU_BYTES;
    this.#messagesAt = this.#cachesAt + this.slots * CACHE_BYTES;
    this.#mailAt = this.#messagesAt + this.slots * MESSAGE_BYTES;
    this.blocks = Math.ceil((this.#mailAt + lanes * MAIL_BYTES) / BLOCK_BYTES) * BLOCK_BYTES;
    // Three blocks for each frame: what pages that lie far from each other need. They cost nothing until they are used.
    const tables = Math.min(2 ** 30, Math.max(2 ** 22, (memory >>> pageShift) * 3 * BLOCK_BYTES));
    this.bytes = Math.ceil((this.blocks + tables) / WASM_PAGE) * WASM_PAGE;
  }

  /** Word of the slot of a lane's plain accesses, which the engine does itself. */
  accessSlot(lane: number): number {
    return lane;
  }

  /** The slot of a compute unit. */
  unitSlot(lane: number, unit: number): number {
    return this.#lanes + lane * this.#units + unit;
  }

  /** The lane that a slot serves. */
  laneOf(slot: number): number {
    return slot < this.#lanes ? slot : Math.floor((slot - this.#lanes) / this.#units);
  }

  slot(slot: number): number {
    return this.#slotsAt + slot * SLOT_BYTES;
  }

  lane(lane: number): number {
    return this.#lanesAt + lane * LANE_BYTES;
  }

  mmu(place: number): number {
    return this.#mmusAt + place * MMU_BYTES;
  }

  cache(slot: number): number {
    return this.#cachesAt + slot * CACHE_BYTES;
  }

  /** In the memory with the frames. */
  tlb(slot: number): number {
    return this.#tlbsAt + slot * TLB.bytes;
  }

  message(slot: number): number {
    return this.#messagesAt + slot * MESSAGE_BYTES;
  }

  get messageBytes(): number {
    return MESSAGE_BYTES;
  }

  mail(lane: number): number {
    return this.#mailAt + lane * MAIL_BYTES;
  }
}
