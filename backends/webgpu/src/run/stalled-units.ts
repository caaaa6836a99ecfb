import type { ScoutReport } from './scout-report.js';

/** A unit of which it is not known yet what it waits for. */
const UNKNOWN = -2;
/** A unit that waits for nothing any more. */
const NOTHING = -1;

/** Units of a launch that wait, in the order of the grid, each with an access that it could not make. */
export class StalledUnits {
  #units: Uint32Array = new Uint32Array(0);
  /** Byte addresses, or {@link UNKNOWN}, {@link NOTHING}. */
  #addresses: Float64Array = new Float64Array(0);
  /** `FAULT_*` codes. */
  #access: Uint8Array = new Uint8Array(0);

  get length(): number {
    return this.#units.length;
  }

  /** Takes out those of the first `window` that can go on, and returns them. */
  takeReady(window: number, isThere: (address: number, access: number) => boolean): Uint32Array {
    const { length } = this;
    const first = Math.min(window, length);
    const taken = new Uint32Array(first);
    let out = 0;
    let kept = 0;
    for (let i = 0; i < length; i++) {
      if (i < first && this.#canGoOn(i, isThere)) taken[out++] = this.#units[i]!;
      else this.#move(i, kept++);
    }
    this.#units = this.#units.subarray(0, kept);
    this.#addresses = this.#addresses.subarray(0, kept);
    this.#access = this.#access.subarray(0, kept);
    return taken.subarray(0, out);
  }

  /** The first `count`. */
  first(count: number): Uint32Array {
    return this.#units.subarray(0, count);
  }

  /** Notes what the first ones wait for. Returns how many wait for nothing. */
  learn(report: ScoutReport): number {
    let ready = 0;
    for (let i = 0; i < report.units; i++) {
      const address = report.unitAddress(i);
      this.#addresses[i] = address < 0 ? NOTHING : address;
      this.#access[i] = report.unitAccess(i);
      if (address < 0) ready++;
    }
    return ready;
  }

  /** Adds units of which it is not known yet what they wait for; none of them is here. */
  add(units: Uint32Array): void {
    if (units.length === 0) return;
    const incoming = units.slice().sort();
    const length = this.length + incoming.length;
    const merged = {
      units: new Uint32Array(length),
      addresses: new Float64Array(length),
      access: new Uint8Array(length),
    };
    for (let i = 0, old = 0, next = 0; i < length; i++) {
      if (next < incoming.length && !(this.#units[old]! < incoming[next]!)) {
        merged.units[i] = incoming[next++]!;
        merged.addresses[i] = UNKNOWN;
      } else {
        merged.units[i] = this.#units[old]!;
        merged.addresses[i] = this.#addresses[old]!;
        merged.access[i] = this.#access[old++]!;
      }
    }
    this.#units = merged.units;
    this.#addresses = merged.addresses;
    this.#access = merged.access;
  }

  #canGoOn(index: number, isThere: (address: number, access: number) => boolean): boolean {
    const address = this.#addresses[index]!;
    return address === NOTHING || (address >= 0 && isThere(address, this.#access[index]!));
  }

  #move(from: number, to: number): void {
    this.#units[to] = this.#units[from]!;
    this.#addresses[to] = this.#addresses[from]!;
    this.#access[to] = this.#access[from]!;
  }
}
