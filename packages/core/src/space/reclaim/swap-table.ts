import { IdList } from '../../address/index.js';

/** Table entries from here on name slots of the swap store; those below are pages plus one. */
const FIRST_SWAP_ENTRY = 0x80000001;
/** Lookups give slots as negative numbers from here on, all below the -1 that stands for nothing. */
const FIRST_LOOKUP = -(2 ** 31);
const MOST_SLOTS = 2 ** 31 - 2;

/** The slot that a lookup below -1 stands for. */
export function slotOf(lookup: number): number {
  return lookup - FIRST_LOOKUP;
}

/** The entry that names a slot. */
export function entryOfSlot(slot: number): number {
  return FIRST_SWAP_ENTRY + slot;
}

/** What refers to a swapped page, in one number: a table key, or below zero the home of a page in a cache, as `-1 - home`. */
export type SwapReference = number;

/** The slots of a swap store, one page each, and what refers to each. */
export class SwapTable {
  /** Slots that hold pages. */
  used = 0;
  private readonly slots: number;
  private made = 0;
  private readonly spare = new IdList();
  /** The first reference plus one above zero, or as it is below; 0 for none. By slot. */
  private first = new Float64Array(64);
  /** References of slots that have several. */
  private readonly several = new Map<number, SwapReference[]>();
  /** Whether the CPU wrote the page since that was last asked. By slot. */
  private written = new Uint8Array(64);
  /** Slots that are being read: they are not given out again until that ends. */
  private readonly pinned = new Set<number>();

  /** For a store of `slots` pages. */
  constructor(slots: number) {
    this.slots = Math.min(slots, MOST_SLOTS);
  }

  /** Bytes of memory it takes. */
  get bytes(): number {
    return this.first.byteLength + this.written.byteLength + this.spare.items.byteLength + 64 * this.several.size;
  }

  /** Slots that are free. */
  get free(): number {
    return this.slots - this.used;
  }

  /** Takes a free slot; there must be one. */
  take(): number {
    this.used++;
    if (this.spare.length > 0) return this.spare.items[--this.spare.length]!;
    if (this.made === this.first.length) this.grow();
    return this.made++;
  }

  /** Gives a slot back to which nothing refers. */
  give(slot: number): void {
    this.first[slot] = 0;
    this.written[slot] = 0;
    this.used--;
    this.spare.push(slot);
  }

  /** Notes one more reference. */
  refer(slot: number, reference: SwapReference): void {
    const several = this.several.get(slot);
    if (several !== undefined) several.push(reference);
    else if (this.first[slot] === 0) this.first[slot] = encode(reference);
    else this.several.set(slot, [decode(this.first[slot]!), reference]);
  }

  /** Takes a reference back; the slot is free with its last one. */
  unrefer(slot: number, reference: SwapReference): void {
    const several = this.several.get(slot);
    if (several === undefined) this.first[slot] = 0;
    else {
      several.splice(several.indexOf(reference), 1);
      if (several.length > 1) return;
      this.first[slot] = encode(several[0]!);
      this.several.delete(slot);
      return;
    }
    if (!this.pinned.has(slot)) this.give(slot);
  }

  /** What refers to a slot; a snapshot. */
  references(slot: number): SwapReference[] {
    const several = this.several.get(slot);
    if (several !== undefined) return several.slice();
    const first = this.first[slot]!;
    return first === 0 ? [] : [decode(first)];
  }

  /** Keeps a slot from being given out again although nothing may refer to it any more. */
  pin(slot: number): void {
    this.pinned.add(slot);
  }

  /** Ends that, and gives the slot back if nothing refers to it. */
  unpin(slot: number): void {
    this.pinned.delete(slot);
    if (this.first[slot] === 0 && !this.several.has(slot)) this.give(slot);
  }

  /** Forgets all references to a slot, whose page is back. */
  release(slot: number): void {
    this.several.delete(slot);
    this.first[slot] = 0;
    if (!this.pinned.has(slot)) this.give(slot);
  }

  /** Notes whether the CPU wrote the page in a slot. */
  setWritten(slot: number, written: boolean): void {
    this.written[slot] = Number(written);
  }

  /** Whether the CPU wrote the page in a slot since that was last asked. */
  isWritten(slot: number): boolean {
    return this.written[slot] === 1;
  }

  private grow(): void {
    const capacity = Math.min(this.slots, this.first.length * 2);
    const first = new Float64Array(capacity);
    first.set(this.first);
    this.first = first;
    const written = new Uint8Array(capacity);
    written.set(this.written);
    this.written = written;
  }
}

function encode(reference: SwapReference): number {
  return reference < 0 ? reference : reference + 1;
}

function decode(first: number): SwapReference {
  return first < 0 ? first : first - 1;
}
