import { MirrorError } from '../driver/errors.js';
import type { Fence, WaitOptions } from '../driver/fence.js';
import type { Reporter } from './report.js';
import type { Submission } from './submission.js';

/** A fence of a validated device. Whoever looks at it makes the validator look first. */
export class ValidatedFence implements Fence {
  readonly queue: number;
  readonly value: number;
  /** The device's own fence: what the device gets to see in `after`. */
  readonly inner: Fence;
  readonly submission: Submission;
  private readonly look: () => void;
  /** Whose fence it is: every validated device has its own. */
  readonly reporter: Reporter;
  private told = false;

  constructor(submission: Submission, inner: Fence, reporter: Reporter, look: () => void) {
    this.queue = submission.queueId;
    this.value = submission.value;
    this.inner = inner;
    this.submission = submission;
    this.reporter = reporter;
    this.look = look;
  }

  get signaled(): boolean {
    this.examine();
    return this.inner.signaled;
  }

  get error(): MirrorError | undefined {
    this.examine();
    return this.inner.error;
  }

  async wait(options: WaitOptions = {}): Promise<void> {
    const { timeoutMs } = options;
    if (timeoutMs !== undefined && !Number.isFinite(timeoutMs)) {
      this.reporter.refuse(
        'R6',
        `the wait for ${this.submission} has no bound (timeoutMs ${timeoutMs}). Every wait is bounded: give a number of milliseconds`,
      );
    }
    try {
      await this.inner.wait(options);
    } catch (error) {
      this.examine();
      if (!(error instanceof MirrorError) && !(error instanceof TypeError)) {
        this.tell(`the wait for ${this.submission} rejected with ${String(error)}: reject with a MirrorError`);
      }
      throw error;
    }
    this.examine();
    if (!this.inner.signaled) this.tell(`the wait for ${this.submission} resolved, but its fence is not signaled`);
  }

  private examine(): void {
    this.look();
    const { state } = this.submission;
    const { signaled, error } = this.inner;
    if (
      (state === 'signaled' && (!signaled || error !== undefined)) ||
      (state === 'failed' && (signaled || error === undefined))
    ) {
      this.tell(`the fence of ${this.submission} settled as ${state}, and changed afterwards. A fence settles once`);
    }
  }

  private tell(message: string): void {
    if (this.told) return;
    this.told = true;
    this.reporter.report('backend', 'fence', message);
  }
}
