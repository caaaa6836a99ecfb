import { PTE_SHARED, PTE_WRITE } from '../driver/access.js';
import type { Reporter } from './report.js';
import type { Shadow, Stale, Table } from './shadow.js';
import type { Submission } from './submission.js';

/** Refuses uses of frames that would break R1, R2, R3 or R7. */
export class FrameCheck {
  private readonly shadow: Shadow;
  private readonly reporter: Reporter;

  constructor(shadow: Shadow, reporter: Reporter) {
    this.shadow = shadow;
    this.reporter = reporter;
  }

  /** R7: what copies into or out of this frame must end before. */
  ordered(earlier: Submission | undefined, frame: number, where: string, by: Submission): void {
    if (earlier === undefined || by.follows(earlier)) return;
    this.reporter.refuse(
      'R7',
      `${where} uses frame ${frame} while an unfinished copy of ${earlier} needs it. Pass the fence of that submission in \`after\``,
    );
  }

  /** Refuses to copy a frame that the device can still access. */
  quiet(frame: number, into: boolean, where: string, by: Submission): void {
    const { entries, stale } = this.shadow.frame(frame);
    const entry = entries.find((one) => into || (one.access & PTE_WRITE) !== 0);
    if (entry !== undefined) {
      this.reporter.refuse(
        'R2',
        `${where} copies frame ${frame} while MMU ${entry.mmu} maps it at page ${entry.page} ` +
          `(${rights(entry.access)}, since ${entry.by}): the copy would be torn. Unmap and flush it first${into ? '' : ', or make it read-only'}`,
      );
    }
    const cached = stale.find((one) => (into || (one.access & PTE_WRITE) !== 0) && !flushed(one, by));
    if (cached !== undefined) this.unflushed(cached, frame, where);
  }

  /** R1 and R3: a frame gets an entry. */
  claim(frame: number, table: Table, page: number, access: number, where: string, by: Submission): void {
    const state = this.shadow.frame(frame);
    const here = (one: { mmu: number; page: number }): boolean => one.mmu === table.mmu && one.page === page;
    this.ordered(state.writer, frame, where, by);
    if ((access & PTE_WRITE) !== 0) for (const reader of state.readers) this.ordered(reader, frame, where, by);
    const twin = state.entries.find((one) => !here(one) && (one.access & PTE_SHARED) === 0);
    if (twin !== undefined && (access & PTE_SHARED) === 0) {
      this.reporter.refuse(
        'R3',
        `${where} maps frame ${frame} at page ${page} of MMU ${table.mmu}, but page ${twin.page} of MMU ${twin.mmu} ` +
          `maps it too (since ${twin.by}). A frame has one owner: unmap and flush the other entry first, or say PTE_SHARED if both are meant`,
      );
    }
    state.stale = state.stale.filter((one) => !flushed(one, by));
    const cached = state.stale.find((one) => !here(one) && (access & one.access & PTE_SHARED) === 0);
    if (cached !== undefined) this.unflushed(cached, frame, where);
  }

  private unflushed(stale: Stale, frame: number, where: string): never {
    const { mmu, page, by, flushedBy } = stale;
    const state =
      flushedBy === undefined
        ? 'has not been flushed since'
        : `is flushed by ${flushedBy}, which nothing orders before this`;
    return this.reporter.refuse(
      'R1',
      `${where} uses frame ${frame}, which page ${page} of MMU ${mmu} translated to until ${by} and which ${state}: the device may still ` +
        'reach it. Flush that page first, earlier in the same submission or in one that this comes after',
    );
  }
}

function flushed(stale: Stale, by: Submission): boolean {
  return stale.flushedBy !== undefined && by.follows(stale.flushedBy);
}

function rights(access: number): string {
  return (access & PTE_WRITE) === 0 ? 'read-only' : 'writable';
}
