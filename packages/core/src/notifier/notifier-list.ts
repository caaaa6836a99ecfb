import { ADDRESS_LIMIT, IdList, IntervalIndex, checkRange } from '../address/index.js';
import { MirrorError } from '../driver/index.js';
import type { NotifierEvent, NotifierEventKind, NotifierOptions } from './event.js';
import { IntervalNotifier, type NotifierHost } from './interval-notifier.js';

interface MutableEvent extends NotifierEvent {
  kind: NotifierEventKind;
  start: number;
  end: number;
  blockable: boolean;
  owner: unknown;
}

/**
 * The interval notifiers of a space: who is told before which page-table entries change.
 *
 * Invalidations may overlap in time. While one is active the list's sequence is odd; insertions and removals made
 * meanwhile take effect when the last one ends. Protocol: the kernel's `mmu_interval_notifier` (mm/mmu_notifier.c).
 */
export class NotifierList implements NotifierHost {
  private readonly index = new IntervalIndex();
  private readonly notifiers: (IntervalNotifier | undefined)[] = [];
  private readonly freeIds: number[] = [];
  private readonly deferred: IntervalNotifier[] = [];
  private readonly found: IdList[] = [];
  private depth = 0;
  private readonly event: MutableEvent = { kind: 'unmap', start: 0, end: 0, blockable: true, owner: undefined };
  private waiters: (() => void)[] = [];
  private seq = 0;
  private active = 0;

  /** Sequence of the list: odd while an invalidation is active. */
  get sequence(): number {
    return this.seq;
  }

  /** Notifiers inserted and not removed. */
  get size(): number {
    return this.index.size;
  }

  /** Metadata in bytes. */
  get bytes(): number {
    return this.index.bytes;
  }

  /**
   * Watches a range.
   * @throws TypeError, RangeError for a malformed range
   */
  insert(options: NotifierOptions): IntervalNotifier {
    checkRange({ start: options.start, end: options.end });
    if (typeof options.invalidate !== 'function') throw new TypeError('notifier needs an invalidate function');
    const notifier = new IntervalNotifier(this, options);
    if (this.active > 0) {
      // It was not told of what is active now, so its readers wait until that has ended.
      notifier.sequence = this.seq;
      this.deferred.push(notifier);
    } else this.link(notifier);
    return notifier;
  }

  /**
   * Begins an invalidation of `[start, end)`: tells every overlapping notifier that has another owner. Synchronous.
   * Each `begin` that returns needs one `end`.
   * @throws RangeError for a malformed range; MirrorError `BUSY` when `blockable` is false and a notifier refused; or what a
   *   notifier threw. Then there is nothing to end
   */
  begin(kind: NotifierEventKind, start: number, end: number, owner?: unknown, blockable = true): void {
    const found = this.open(start, end);
    let refusedBy: IntervalNotifier | undefined;
    try {
      for (let i = 0; i < found.length && refusedBy === undefined; i++) {
        const notifier = this.notifiers[found.items[i]!]!;
        if (!this.tell(notifier, kind, start, end, owner, blockable)) refusedBy = notifier;
      }
    } catch (error) {
      this.depth--;
      this.end();
      throw error;
    }
    this.depth--;
    if (refusedBy === undefined) return;
    this.end();
    throw new MirrorError(
      'BUSY',
      `a notifier on [${refusedBy.start.toString(16)}, ${refusedBy.end.toString(16)}) refused a non-blockable ${kind}; retry where waiting is allowed`,
      { address: start },
    );
  }

  /**
   * As {@link begin}, for a change that can no longer be called off: all are told, and what any of them throws is added to `thrown`.
   * Needs one `end`. @throws RangeError for a malformed range; then there is nothing to end
   */
  beginRegardless(kind: NotifierEventKind, start: number, end: number, thrown: unknown[]): void {
    const found = this.open(start, end);
    for (let i = 0; i < found.length; i++) {
      try {
        this.tell(this.notifiers[found.items[i]!]!, kind, start, end, undefined, true);
      } catch (error) {
        thrown.push(error);
      }
    }
    this.depth--;
  }

  /** Makes an invalidation active; returns whom to tell. */
  private open(start: number, end: number): IdList {
    if (!(
      Number.isSafeInteger(start) &&
      Number.isSafeInteger(end) &&
      0 <= start &&
      start < end &&
      end <= ADDRESS_LIMIT
    ))
      throw new RangeError(`an invalidation needs a range of addresses, got ${start} to ${end}`);
    if (this.active++ === 0) this.seq++;
    // A callback may invalidate in turn: each depth has a list of its own.
    const found = (this.found[this.depth] ??= new IdList());
    found.clear();
    this.depth++;
    this.index.query(start, end, found);
    return found;
  }

  /** Tells a notifier, unless it is the owner's; returns whether it agrees. */
  private tell(
    notifier: IntervalNotifier,
    kind: NotifierEventKind,
    start: number,
    end: number,
    owner: unknown,
    blockable: boolean,
  ): boolean {
    if (notifier.removed || (owner !== undefined && notifier.owner === owner)) return true;
    notifier.sequence = this.seq;
    const event = this.event;
    event.kind = kind;
    event.start = start;
    event.end = end;
    event.blockable = blockable;
    event.owner = owner;
    return notifier.invalidate(event) !== false || blockable;
  }

  /** Ends an invalidation. @throws RangeError when none is active */
  end(): void {
    if (this.active === 0) throw new RangeError('no invalidation is active: each begin has one end');
    if (--this.active > 0) return;
    this.seq++;
    while (this.deferred.length > 0) {
      const notifier = this.deferred.pop()!;
      if (notifier.removed) this.unlink(notifier);
      else this.link(notifier);
    }
    if (this.waiters.length === 0) return;
    const waiters = this.waiters;
    this.waiters = [];
    for (const wake of waiters) wake();
  }

  /** Removes a notifier; called by {@link IntervalNotifier.remove}. */
  remove(notifier: IntervalNotifier): void {
    if (this.active > 0) this.deferred.push(notifier);
    else this.unlink(notifier);
  }

  /** Resolves when no invalidation is active. */
  idle(): Promise<void> {
    return this.active === 0 ? Promise.resolve() : new Promise((resolve) => this.waiters.push(resolve));
  }

  private link(notifier: IntervalNotifier): void {
    const id = this.freeIds.pop() ?? this.notifiers.length;
    this.notifiers[id] = notifier;
    notifier.id = id;
    this.index.insert(notifier.start, notifier.end, id);
  }

  private unlink(notifier: IntervalNotifier): void {
    if (this.notifiers[notifier.id] !== notifier) return;
    this.index.remove(notifier.id);
    this.notifiers[notifier.id] = undefined;
    this.freeIds.push(notifier.id);
    notifier.id = -1;
  }
}
