import type { NotifierEvent, NotifierOptions } from './event.js';

/** What a notifier needs of the list it is in. */
export interface NotifierHost {
  /** Odd while an invalidation is active. */
  readonly sequence: number;
  /** Resolves when no invalidation is active. */
  idle(): Promise<void>;
  /** Takes the notifier out. */
  remove(notifier: IntervalNotifier): void;
}

/**
 * A watch on a range of addresses, with the sequence by which a reader learns that what it read may have changed:
 * `seq = await readBegin()`, collect, then synchronously `if (readRetry(seq)) start again; else commit`.
 */
export class IntervalNotifier {
  /** First byte address watched. */
  readonly start: number;
  /** End of the watched range, exclusive. */
  readonly end: number;
  /** Whose own invalidations are not reported here. */
  readonly owner: unknown;
  /** Called before entries change; see {@link NotifierOptions.invalidate}. */
  readonly invalidate: (event: NotifierEvent) => boolean | void;
  /** Whether {@link remove} was called. */
  removed = false;
  /** Sequence of the last invalidation that met this notifier. Managed by the list. */
  sequence = 0;
  /** Place in the list; -1 while not linked. Managed by the list. */
  id = -1;
  private readonly list: NotifierHost;

  constructor(list: NotifierHost, options: NotifierOptions) {
    this.list = list;
    this.start = options.start;
    this.end = options.end;
    this.owner = options.owner;
    this.invalidate = (event) => options.invalidate(event);
  }

  /**
   * Waits until no invalidation that met this notifier is active, and returns the sequence to compare afterwards. It may be
   * stale already: the caller owns the number of tries.
   */
  async readBegin(): Promise<number> {
    const sequence = this.sequence;
    if (sequence === this.list.sequence && sequence % 2 === 1) await this.list.idle();
    return sequence;
  }

  /** Whether the range was invalidated since the `readBegin` that returned `sequence`. Synchronous: commit in the same turn. */
  readRetry(sequence: number): boolean {
    return this.sequence !== sequence;
  }

  /** Stops watching; idempotent. Takes effect when the active invalidations, if any, end. */
  remove(): void {
    if (this.removed) return;
    this.removed = true;
    this.list.remove(this);
  }

  /** As {@link remove}, for `using`. */
  [Symbol.dispose](): void {
    this.remove();
  }
}
