import { MirrorError } from '../../driver/index.js';
import { inTime } from '../in-time.js';
import { PAGE_DEAD, PAGE_ZERO } from '../page-state.js';
import type { PageStore } from '../page-store.js';
import type { SourceLimits } from '../source.js';
import type { SwapStore } from './swap-store.js';

/** Pages that stay locked until whoever wanted them back has them. */
export class KeptPages {
  private readonly store: PageStore;
  private readonly pages: number[] = [];
  private open = false;

  constructor(store: PageStore) {
    this.store = store;
  }

  /** From now on pages are kept. */
  begin(): void {
    this.open = true;
  }

  /** Takes over a locked page. One that comes too late is unlocked. */
  add(page: number): void {
    if (this.open) this.pages.push(page);
    else this.store.unlock(page);
  }

  /** Gives the pages, still locked, to somebody else; none are kept from now on. */
  take(): number[] {
    this.open = false;
    return this.pages.splice(0);
  }

  /** Unlocks all, now and later. */
  end(): void {
    this.open = false;
    if (this.pages.length === 0) return;
    for (const page of this.pages) this.store.unlock(page);
    this.pages.length = 0;
    this.store.announce();
  }

  /** As {@link end}, for `using`. */
  [Symbol.dispose](): void {
    this.end();
  }
}

/** Brings swapped pages back. A slot is read once, however many wait for it. */
export class SwapIn {
  /** Pages brought back so far. */
  count = 0;
  private readonly store: PageStore;
  private readonly swap: SwapStore;
  private readonly underWay = new Map<number, Promise<void>>();

  constructor(store: PageStore, swap: SwapStore) {
    this.store = store;
    this.swap = swap;
  }

  /**
   * Brings the pages in slots back to host memory, where whatever referred to the slots then refers to them. Those that this
   * call began to read stay locked if there is a `kept` to put them in. A slot that is given up meanwhile is none
   * of anybody's business.
   * @throws MirrorError `IO`, `DEVICE_TIMEOUT`, `ABORTED`, `OUT_OF_HOST_MEMORY`; the slots keep what was not brought back
   */
  async bring(slots: readonly number[], limits: SourceLimits, kept?: KeptPages): Promise<void> {
    const work = slots.map((slot) => {
      let reading = this.underWay.get(slot);
      if (reading === undefined) {
        reading = this.read(slot, kept).finally(() => this.underWay.delete(slot));
        this.underWay.set(slot, reading);
      }
      return reading;
    });
    // All have to end: what is kept is not known before.
    const all = Promise.allSettled(work).then((results) => {
      for (const result of results) if (result.status === 'rejected') throw result.reason as Error;
    });
    if (await inTime(all, limits.timeoutMs, limits.signal)) return;
    throw new MirrorError(
      'DEVICE_TIMEOUT',
      `waited ${limits.timeoutMs} ms for the swap store to read ${slots.length} pages; they come when it answers`,
    );
  }

  private async read(slot: number, kept: KeptPages | undefined): Promise<void> {
    const { store } = this;
    const { host } = store;
    const table = store.swap!;
    // Given up while its turn came: it may be free by now, or have been taken for a page that is on its way out.
    if (table.references(slot).length === 0) return;
    table.pin(slot);
    let page: number;
    try {
      page = await this.takePage();
    } catch (error) {
      table.unpin(slot);
      throw error;
    }
    try {
      host.commit(page, 1);
      const offset = host.offsetOf(page);
      const bytes = host.bufferOf(page).subarray(offset, offset + host.pageSize);
      await this.swap.read(slot * host.pageSize, bytes);
      store.unmark(page, PAGE_ZERO);
      this.install(slot, page);
    } catch (cause) {
      store.mark(page, PAGE_DEAD);
      throw cause instanceof MirrorError
        ? cause
        : new MirrorError('IO', 'reading a page back from the swap store failed; it stays there: try again', { cause });
    } finally {
      table.unpin(slot);
      if (kept === undefined || store.any(page, PAGE_DEAD)) store.unlock(page);
      else kept.add(page);
      store.announce();
    }
  }

  /** A locked page, if need be in the place of another one. @throws MirrorError `OUT_OF_HOST_MEMORY` */
  private async takePage(): Promise<number> {
    const { store } = this;
    for (;;) {
      try {
        const page = store.create();
        store.lock(page);
        return page;
      } catch (refusal) {
        await store.pressure!.relieve(refusal);
      }
    }
  }

  /** Whatever refers to the slot now refers to the page; if nothing does any more, the page is of no use. */
  private install(slot: number, page: number): void {
    const { store } = this;
    const table = store.swap!;
    const references = table.references(slot);
    if (table.isWritten(slot)) store.host.tracker.note(page, 1);
    for (const reference of references) {
      if (reference >= 0) store.link(reference, page);
      else store.homes.restore(reference, page);
    }
    if (references.length === 0) store.mark(page, PAGE_DEAD);
    else table.release(slot);
    this.count += Number(references.length > 0);
  }
}
