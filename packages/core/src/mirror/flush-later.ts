import type { FlushPolicy } from '../policy/index.js';
import type { PoolState } from './pool-state.js';

/** Longer delays than this count as none at all to timers. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Sends invalidations that wait for a flush, by the device's flush policy: at the end of the turn, or after some time. Told from notifier callbacks, so it only makes
 * a note there, and allocates nothing but for the timer of a policy with a deadline (R4).
 */
export class FlushLater {
  private readonly pool: PoolState;
  private readonly policy: FlushPolicy;
  private readonly flush: () => unknown;
  private readonly now: () => void;
  private soon = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(pool: PoolState, policy: FlushPolicy, flush: () => unknown) {
    this.pool = pool;
    this.policy = policy;
    this.flush = flush;
    this.now = () => {
      this.soon = false;
      this.end();
      if (this.waiting > 0) this.flush();
    };
  }

  /** Entries changed. */
  changed(): void {
    const { entries, us } = this.policy;
    if (this.soon || (entries === Infinity && us === Infinity)) return;
    if (us === 0 || this.waiting > entries) {
      this.soon = true;
      queueMicrotask(this.now);
    } else if (us !== Infinity && this.timer === undefined && this.waiting > 0) {
      this.timer = setTimeout(this.now, Math.min(us / 1000, LONGEST_TIMER_MS));
    }
  }

  /** Waits for no deadline any more: a timer that is left would keep a Node process alive. */
  end(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** Entries that the devices have and that changed. */
  private get waiting(): number {
    if (this.pool.lostError !== undefined) return 0;
    let waiting = 0;
    for (const { dirty } of this.pool.mirrors) waiting += dirty.length;
    return waiting;
  }
}
