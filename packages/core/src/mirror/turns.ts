const FIRST_CAPACITY = 64;

/** The records of one unit, not all of them handed on yet. */
class Slot {
  pages = new Float64Array(FIRST_CAPACITY);
  metas = new Uint32Array(FIRST_CAPACITY);
  length = 0;
  next = 0;

  push(page: number, meta: number): void {
    if (this.length === this.pages.length) this.grow();
    this.pages[this.length] = page;
    this.metas[this.length++] = meta;
  }

  private grow(): void {
    const pages = new Float64Array(this.length * 2);
    const metas = new Uint32Array(this.length * 2);
    pages.set(this.pages);
    metas.set(this.metas);
    this.pages = pages;
    this.metas = metas;
  }
}

/**
 * Puts the accesses of units that ran one after another in the order in which a device would make them that has several of them resident:
 * each in turn makes one, and the next unit takes the place of one that is done.
 */
export class Turns {
  private readonly slots: Slot[];
  private readonly out: (page: number, meta: number) => void;
  /** Slots in use, in the order of their turns. */
  private used = 0;
  /** The slot that is next in this round of turns, and how many of those before it have more. */
  private at = 0;
  private kept = 0;

  constructor(resident: number, out: (page: number, meta: number) => void) {
    this.slots = Array.from({ length: resident }, () => new Slot());
    this.out = out;
  }

  /** Where the next unit puts its accesses; it counts once `commit` was called. */
  begin(): Slot {
    while (this.used === this.slots.length) this.turn();
    const slot = this.slots[this.used]!;
    slot.length = slot.next = 0;
    return slot;
  }

  /** The unit that was begun last has ended. */
  commit(): void {
    if (this.slots[this.used]!.length > 0) this.used++;
  }

  /** Hands on all that is left. Whoever gets an access may call it, too. */
  flush(): void {
    while (this.used > 0) this.turn();
  }

  /** Every unit makes one access; those that have none left make room, and the others keep their order. */
  private turn(): void {
    const { slots, out } = this;
    while (this.at < this.used) {
      const i = this.at++;
      const slot = slots[i]!;
      const page = slot.pages[slot.next]!;
      const meta = slot.metas[slot.next]!;
      if (++slot.next < slot.length) {
        slots[i] = slots[this.kept]!;
        slots[this.kept++] = slot;
      }
      out(page, meta);
    }
    this.used = this.kept;
    this.at = this.kept = 0;
  }
}
