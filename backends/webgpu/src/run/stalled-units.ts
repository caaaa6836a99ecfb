import type { RoundOutcome } from './round.js';

/** More than the units of a round. */
const ORDER = 2 ** 17;

/** Units of a launch that wait, in order, each with the first access that it could not make. */
export class StalledUnits {
  #units = new Uint32Array(0);
  #addresses = new Float64Array(0);
  #access = new Uint8Array(0);

  get length(): number {
    return this.#units.length;
  }

  /** Byte addresses that units wait for. */
  get addresses(): Float64Array {
    return this.#addresses;
  }

  address(index: number): number {
    return this.#addresses[index]!;
  }

  /** A `FAULT_*` code. */
  access(index: number): number {
    return this.#access[index]!;
  }

  /** Takes out those that `choose` names, and returns them. */
  take(choose: (index: number) => boolean): Uint32Array<ArrayBuffer> {
    const { length } = this;
    const taken = new Uint32Array(length);
    let out = 0;
    let kept = 0;
    for (let i = 0; i < length; i++) {
      if (choose(i)) taken[out++] = this.#units[i]!;
      else this.#move(i, kept++);
    }
    this.#units = this.#units.subarray(0, kept);
    this.#addresses = this.#addresses.subarray(0, kept);
    this.#access = this.#access.subarray(0, kept);
    return taken.slice(0, out);
  }

  /** Adds those of a round, and puts all in the order in which they were started. */
  add(outcome: RoundOutcome): void {
    const before = this.length;
    const length = before + outcome.stalled;
    if (length === before) return;
    const order = new Float64Array(length);
    for (let i = 0; i < before; i++) order[i] = this.#units[i]! * ORDER + i;
    for (let i = before; i < length; i++) order[i] = outcome.stalledUnit(i - before) * ORDER + i;
    order.sort();
    const units = new Uint32Array(length);
    const addresses = new Float64Array(length);
    const access = new Uint8Array(length);
    order.forEach((word, place) => {
      const i = word % ORDER;
      units[place] = Math.floor(word / ORDER);
      addresses[place] = i < before ? this.#addresses[i]! : outcome.stalledAddress(i - before);
      access[place] = i < before ? this.#access[i]! : outcome.stalledAccess(i - before);
    });
    this.#units = units;
    this.#addresses = addresses;
    this.#access = access;
  }

  #move(from: number, to: number): void {
    this.#units[to] = this.#units[from]!;
    this.#addresses[to] = this.#addresses[from]!;
    this.#access[to] = this.#access[from]!;
  }
}
