import type { Command, HostFrames } from '../driver/command.js';
import type { DeviceLimits, SubmitOptions } from '../driver/device.js';
import type { Fence } from '../driver/fence.js';
import { whenSettled } from '../kit/timeline-fence.js';
import type { Reporter } from './report.js';
import type { Shadow, Stale } from './shadow.js';
import type { Submission } from './submission.js';
import type { Effects } from './table-check.js';

/** Submits to a device queue behind the caller's back. */
export type HiddenSubmit = (commands: readonly Command[], options: SubmitOptions) => Fence;

interface Watched {
  readonly stale: Stale;
  readonly since: Submission;
  readonly bytes: Uint8Array;
  readonly fence: Fence;
}

/**
 * R1, by looking: the bytes of a frame that was unmapped and flushed do not change until it is used again. They are read
 * right after the submission that flushed it, on the same queue, and again right before the one that reuses it; queue order
 * does the rest, so the device waits for nothing more than it would without. The reads themselves take device time.
 */
export class DeepCheck {
  private readonly watched = new Map<number, Watched>();
  private readonly shadow: Shadow;
  private readonly reporter: Reporter;
  private readonly limits: DeviceLimits;
  private readonly unit: number;

  constructor(shadow: Shadow, reporter: Reporter, limits: DeviceLimits) {
    this.shadow = shadow;
    this.reporter = reporter;
    this.limits = limits;
    this.unit = limits.pageSizes[0] ?? 4096;
  }

  /** Call just before a submission reaches the device: reads the frames it is going to use. */
  before(effects: Effects, options: SubmitOptions, submit: HiddenSubmit): void {
    this.compare([...effects.used], options, submit);
  }

  /** Call just after a submission reached the device: reads the frames that it leaves without a translation. */
  after(submission: Submission, effects: Effects, submit: HiddenSubmit): void {
    const freed = new Map<number, Stale>();
    for (const stale of effects.flushed) {
      const { entries, stale: others } = this.shadow.frame(stale.frame);
      const reachable =
        entries.length > 0 ||
        others.some((other) => other.flushedBy === undefined || !submission.follows(other.flushedBy));
      if (!reachable && !effects.discarded.has(stale.frame)) freed.set(stale.frame, stale);
    }
    this.read([...freed.keys()], {}, submit, (frame, bytes, fence) => {
      const stale = freed.get(frame);
      if (stale !== undefined) this.watched.set(frame, { stale, since: submission, bytes, fence });
    });
  }

  /** Reads every frame that is still watched; the fences of these reads. */
  finish(submit: HiddenSubmit): Fence[] {
    return this.compare([...this.watched.keys()], {}, submit);
  }

  private compare(frames: readonly number[], options: SubmitOptions, submit: HiddenSubmit): Fence[] {
    const known = frames.filter((frame) => this.watched.has(frame));
    const first = known.flatMap((frame) => this.watched.get(frame)?.fence ?? []);
    const after = [...(options.after ?? []), ...new Set(first)];
    return this.read(known, { ...options, after }, submit, (frame, bytes, fence) => {
      const before = this.watched.get(frame);
      this.watched.delete(frame);
      if (before === undefined) return;
      whenSettled(fence, () => {
        if (fence.signaled && before.fence.signaled && bytes.some((byte, i) => byte !== before.bytes[i]))
          this.changed(frame, before);
      });
    });
  }

  private changed(frame: number, { stale, since }: Watched): void {
    this.reporter.report(
      'backend',
      'R1',
      `frame ${frame} changed after the flush of ${since}, which took it from page ${stale.page} of MMU ${stale.mmu}, and before it was used again: ` +
        'an access still used the old translation. A flush ends only when no cached translation is left',
    );
  }

  private read(
    frames: readonly number[],
    options: SubmitOptions,
    submit: HiddenSubmit,
    each: (frame: number, bytes: Uint8Array, fence: Fence) => void,
  ): Fence[] {
    const { unit } = this;
    const fences: Fence[] = [];
    for (let at = 0; at < frames.length; at += this.limits.pagesPerCommand) {
      const part = frames.slice(at, at + this.limits.pagesPerCommand);
      const bytes = new Uint8Array(part.length * unit);
      const host: HostFrames = { pageSize: unit, bufferOf: () => bytes, offsetOf: (frame) => frame * unit };
      const hostFrames = Uint32Array.from(part, (_, i) => i);
      const fence = submit(
        [{ kind: 'copyOut', pageSize: unit, count: part.length, host, hostFrames, frames: Uint32Array.from(part) }],
        options,
      );
      fences.push(fence);
      part.forEach((frame, i) => each(frame, bytes.subarray(i * unit, (i + 1) * unit), fence));
    }
    return fences;
  }
}
