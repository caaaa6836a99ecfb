import type { CommandQueue } from '../driver/device.js';
import type { Reporter } from './report.js';
import { Submission } from './submission.js';

interface Timeline {
  readonly id: number;
  readonly paging: boolean;
  pending: Submission[];
  last: Submission | undefined;
  settled: number;
}

/**
 * Checks the order in which fences settle. It only looks (a wait of its own could move simulated time), so it looks whenever
 * the caller could learn something: at every submit, wait, drain and read of a fence or counter.
 */
export class Timelines {
  /** Submissions that failed so far. */
  failures = 0;
  /** The validator's own clock: counts submissions, settlements and drains. */
  time = 0;
  private readonly timelines: readonly Timeline[];
  private readonly reporter: Reporter;
  private looking = false;

  constructor(queues: readonly CommandQueue[], reporter: Reporter) {
    this.timelines = queues.map((queue) => ({
      id: queue.id,
      paging: queue.paging,
      pending: [],
      last: undefined,
      settled: 0,
    }));
    this.reporter = reporter;
  }

  /** The next submission of queue number `index`; `unknownOrder`: it also follows fences that are not this device's. */
  next(index: number, after: readonly Submission[], unknownOrder: boolean): Submission {
    const { id, last } = this.at(index);
    const clock = new Float64Array(this.timelines.length);
    this.timelines.forEach((timeline, queue) => {
      clock[queue] = unknownOrder ? (timeline.last?.value ?? 0) : timeline.settled;
    });
    for (const earlier of last === undefined ? after : [last, ...after]) {
      for (let queue = 0; queue < clock.length; queue++) {
        clock[queue] = Math.max(clock[queue] ?? 0, earlier.clock[queue] ?? 0);
      }
      clock[earlier.queue] = Math.max(clock[earlier.queue] ?? 0, earlier.value);
    }
    return new Submission(index, id, (last?.value ?? 0) + 1, clock, ++this.time, after);
  }

  /** Takes note of a submission that is about to reach the device. Returns how to forget it if the device refuses it. */
  push(submission: Submission): () => void {
    const timeline = this.at(submission.queue);
    const { last } = timeline;
    timeline.last = submission;
    timeline.pending.push(submission);
    return () => {
      if (timeline.last === submission) timeline.last = last;
      timeline.pending = timeline.pending.filter((other) => other !== submission);
    };
  }

  /** Submissions of a queue that were not seen settled, oldest first. */
  pending(index: number): readonly Submission[] {
    return this.at(index).pending;
  }

  /** Says whether a paging queue has work. */
  get paging(): boolean {
    return this.timelines.some((timeline) => timeline.paging && timeline.pending.length > 0);
  }

  /** By queue index: when the oldest submission was made that may still run; the present moment where none may. */
  oldestRunning(): number[] {
    return this.timelines.map((timeline) => timeline.pending[0]?.submittedAt ?? this.time);
  }

  /** Looks at every fence that was pending, and checks those that settled meanwhile. */
  look(): void {
    if (this.looking) return;
    this.looking = true;
    for (const timeline of this.timelines) {
      let head = timeline.pending[0];
      while (head !== undefined && settled(head)) {
        timeline.pending.shift();
        timeline.settled = head.value;
        this.settle(head);
        head = timeline.pending[0];
      }
      for (const later of timeline.pending) {
        if (later.early || !settled(later)) continue;
        later.early = true;
        this.reporter.report(
          'backend',
          'order',
          `the fence of ${later} settled before that of ${head}. Fences of a queue settle in submission order: ` +
            'settle a fence only when all earlier ones of its queue have',
        );
      }
    }
    this.looking = false;
  }

  private settle(submission: Submission): void {
    const { inner } = submission;
    const error = inner?.error;
    const signaled = error === undefined;
    submission.state = signaled ? 'signaled' : 'failed';
    this.time += 1;
    if (signaled) submission.signaledAt = this.time;
    else this.failures += 1;
    if (inner?.signaled === true && error !== undefined) {
      this.reporter.report(
        'backend',
        'fence',
        `the fence of ${submission} is signaled and failed at once: a fence is one of both`,
      );
    }
    const unmet = submission.after.find((earlier) => earlier.inner?.signaled !== true);
    if (signaled && unmet !== undefined) {
      const how = unmet.inner?.error === undefined ? 'is still pending' : 'failed';
      this.reporter.report(
        'backend',
        'order',
        `the fence of ${submission} signaled although the fence it comes after, that of ${unmet}, ${how}. ` +
          'Start a submission only when all its `after` fences signaled, and fail it if one failed',
      );
    }
    const { checks } = submission;
    // Later submissions refer to this one for its order only; let go of what it held.
    submission.checks = [];
    submission.after = [];
    for (const check of checks) check(signaled, error);
  }

  private at(index: number): Timeline {
    const timeline = this.timelines[index];
    if (timeline === undefined) throw new RangeError(`no queue at index ${index}`);
    return timeline;
  }
}

function settled({ inner }: Submission): boolean {
  return inner !== undefined && (inner.signaled || inner.error !== undefined);
}
