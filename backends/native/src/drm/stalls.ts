import {
  type CancelFaultsCommand,
  cancelledAccess,
  type FaultRing,
  type MirrorError,
  type SubmissionQueue,
} from '@mirrorspace/core/driver';
import { FRAME } from './frames.js';

/** An access that waits for a page. */
interface Stall {
  readonly mmu: number;
  readonly page: number;
  readonly resume: () => void;
  readonly fail: (error: MirrorError) => void;
}

/** The accesses that wait for pages, one a queue at most. */
export class Stalls {
  private readonly stalled = new Map<SubmissionQueue, Stall>();
  /** Why none may wait any more. */
  private gone: MirrorError | undefined;

  constructor(
    private readonly device: string,
    private readonly faults: FaultRing,
  ) {}

  /** Reports a fault and waits until it may try again. @throws (as rejection) MirrorError where it may not */
  wait(mmu: number, page: number, access: number, queue: SubmissionQueue): Promise<void> {
    // Nobody would end it: those that waited have failed.
    if (this.gone !== undefined) return Promise.reject(this.gone);
    this.faults.report(mmu, page, access, queue.id);
    return new Promise((resume, fail) => {
      this.stalled.set(queue, { mmu, page, resume, fail });
      this.count();
      this.faults.wake();
    });
  }

  /** Lets those of an MMU try again. */
  replay(mmu: number): void {
    this.end(
      (stall) => stall.mmu === mmu,
      (stall) => stall.resume(),
    );
  }

  /** Fails those on these pages. */
  cancel({ mmu, pages, count, reasons }: CancelFaultsCommand): void {
    const at = (stall: Stall) => (stall.mmu === mmu ? pages.subarray(0, count).indexOf(stall.page) : -1);
    this.end(
      (stall) => at(stall) >= 0,
      (stall) => stall.fail(cancelledAccess(this.device, stall.page * FRAME, reasons[at(stall)]!)),
    );
  }

  /** Fails those of an MMU that is closed, and forgets their faults; or all of a device that is gone, those that come too. */
  fail(error: MirrorError, mmu?: number): void {
    if (mmu !== undefined) this.faults.purge(mmu);
    else this.gone = error;
    this.end(
      (stall) => mmu === undefined || stall.mmu === mmu,
      (stall) => stall.fail(error),
    );
  }

  private end(which: (stall: Stall) => boolean, how: (stall: Stall) => void): void {
    for (const [queue, stall] of [...this.stalled]) {
      if (!which(stall)) continue;
      this.stalled.delete(queue);
      this.count();
      how(stall);
    }
  }

  private count(): void {
    this.faults.stalled = this.stalled.size;
  }
}
