import type { PoolState } from './pool-state.js';

/** Apart from any page number: mirrors are told apart by what is above. */
const PAGE_NUMBERS = 2 ** 36;

/**
 * The pages that found no frame since a work unit finished. A single unit that runs again from its start wants the same
 * pages again and again if they do not fit all at once; an access that goes on page by page always wants new ones.
 */
export class CrowdRecord {
  private readonly pages = new Set<number>();
  private repeats = 0;

  /** Forgets all: work went on. */
  clear(): void {
    this.pages.clear();
    this.repeats = 0;
  }

  /** Adds the faults that are not on the device. Returns for how many rounds in a row none of them was new. */
  add({ mirrors }: PoolState): number {
    const before = this.pages.size;
    for (const { sorted, space, residency, mmu } of mirrors) {
      for (let i = 0; i < sorted.length; i++) {
        const page = space.store.lookup(space.base + sorted.pages[i]!);
        if (page < 0 || residency.frame(page) < 0) this.pages.add(mmu.id * PAGE_NUMBERS + sorted.pages[i]!);
      }
    }
    this.repeats = this.pages.size === before ? this.repeats + 1 : 0;
    return this.repeats;
  }
}
