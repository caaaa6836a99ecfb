import { AT_FAULTS, CODE_BITS, type ControlLayout, FAULT_WORDS, GUESS } from '../wgsl/control.js';
import { WORD_ADDRESS_BITS } from '../wgsl/options.js';

const ACCESS = 3;

/** Faults that units met when they were looked into. Valid during the call that gets it. */
export class ScoutReport {
  /** Units that were looked into. */
  readonly units: number;
  /** Recorded faults. */
  readonly faults: number;
  /** Whether there were more than can be recorded. */
  readonly full: boolean;
  readonly #words: Uint32Array;
  readonly #unitsAt: number;
  readonly #faultsAt: number;
  readonly #wide: boolean;

  /** @param words the head of the control buffer, a record for each unit, and the recorded faults */
  constructor(words: Uint32Array, units: number, layout: ControlLayout, addressBits: number) {
    this.#words = words;
    this.units = units;
    this.#unitsAt = layout.stalledAt;
    this.#faultsAt = layout.stalledAt + FAULT_WORDS * units;
    this.#wide = addressBits > WORD_ADDRESS_BITS;
    const found = words[AT_FAULTS]!;
    this.faults = Math.min(found, layout.faults);
    this.full = found > layout.faults;
  }

  /** The byte address that a lane of the unit at a place missed before any other; -1 if it missed none. */
  unitAddress(place: number): number {
    const at = this.#unitsAt + FAULT_WORDS * place;
    return this.#words[at] === 0 ? -1 : this.#address(at);
  }

  /** And how it would have accessed it: a `FAULT_*` code. */
  unitAccess(place: number): number {
    return this.#words[this.#unitsAt + FAULT_WORDS * place + 2]! & ACCESS;
  }

  /** The places of the recorded faults, in the order of their units, those that are certain first. */
  order(): readonly number[] {
    const keys = new Float64Array(this.faults);
    for (let i = 0; i < this.faults; i++) {
      const at = this.#faultsAt + FAULT_WORDS * i;
      const guess = (this.#words[at + 2]! & GUESS) === 0 ? 0 : 1;
      keys[i] = (this.#words[at]! * 2 + guess) * 2 ** 20 + i;
    }
    return Array.from(keys.sort(), (key) => key % 2 ** 20);
  }

  /** The byte address of a recorded fault. */
  address(index: number): number {
    return this.#address(this.#faultsAt + FAULT_WORDS * index);
  }

  /** Its `FAULT_*` code. */
  access(index: number): number {
    return this.#words[this.#faultsAt + FAULT_WORDS * index + 2]! & ACCESS;
  }

  /** Whether it came after another one in its lane, so that its address may be wrong. */
  isGuess(index: number): boolean {
    return (this.#words[this.#faultsAt + FAULT_WORDS * index + 2]! & GUESS) !== 0;
  }

  #address(at: number): number {
    const low = this.#words[at + 1]!;
    return this.#wide ? (this.#words[at + 2]! >>> CODE_BITS) * 2 ** 32 + low : low * 4;
  }
}
