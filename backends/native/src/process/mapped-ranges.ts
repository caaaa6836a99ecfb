import type { Mapping } from '../addon/mapping.js';

/** A part of memory of this process that a device may reach. */
export interface MappedPart {
  /** The memory. */
  readonly mapping: Mapping;
  /** First byte of the part in it. */
  readonly offset: number;
  /** Bytes from there to the end of the memory. */
  readonly bytes: number;
}

/**
 * Memory of the process by its addresses. A device that mirrors the process's page table could reach anything; it is let reach what is
 * listed here, so that no address, however wrong, touches memory of the engine or of Node.
 */
class MappedRanges {
  private readonly starts: number[] = [];
  private readonly mappings: Mapping[] = [];

  /** Adds memory. */
  add(mapping: Mapping): void {
    const { address } = mapping;
    const at = this.after(address);
    this.starts.splice(at, 0, address);
    this.mappings.splice(at, 0, mapping);
  }

  /** Takes memory out; call it before it is unmapped. */
  remove(mapping: Mapping): void {
    const at = this.mappings.indexOf(mapping);
    if (at < 0) return;
    this.starts.splice(at, 1);
    this.mappings.splice(at, 1);
  }

  /** What is at an address, or `undefined`. */
  find(address: number): MappedPart | undefined {
    const at = this.after(address) - 1;
    if (at < 0) return undefined;
    const mapping = this.mappings[at]!;
    const offset = address - this.starts[at]!;
    return offset < mapping.length ? { mapping, offset, bytes: mapping.length - offset } : undefined;
  }

  /** Index of the first that begins behind an address. */
  private after(address: number): number {
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.starts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The memory of this process that mirroring devices reach. */
export const mappedRanges = new MappedRanges();
