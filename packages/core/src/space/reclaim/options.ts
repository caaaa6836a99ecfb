import { MirrorError } from '../../driver/index.js';
import { type EvictionFactory, type EvictionName, evictionPolicies } from '../../policy/index.js';
import { checkTimeout } from '../in-time.js';
import { checkSwapStore, type SwapStore } from './swap-store.js';

/** How a host memory is kept small. One a host memory: spaces that share it agree. */
export interface ReclaimOptions {
  /**
   * Bytes of host memory to keep to, pages that devices use included. What waits for pages, reads of files for a device's faults too, waits
   * until they fit; what may not wait (a first touch of anonymous memory by a device) goes beyond, and reclaim catches up behind it.
   * Default: no budget, pages leave on demand only.
   */
  readonly budget?: number;
  /**
   * Where pages go that no file has. Default: none, such pages stay. Host memory that the system itself pages out needs none; it is
   * not used there.
   */
  readonly swap?: SwapStore;
  /**
   * How pages in use by devices are ordered: `device`, on one list a device, the order in which that device evicts; `global`, on one
   * more list for all. Default `device`.
   */
  readonly lists?: 'device' | 'global';
  /** Which ordinary pages leave first: a name or a policy of your own. Default `lru`. */
  readonly order?: EvictionName | EvictionFactory;
  /** Milliseconds to wait for the swap store, > 0. Default: that of the space. */
  readonly timeoutMs?: number;
}

/** Options with defaults filled in. */
export interface CheckedReclaim {
  readonly budget: number;
  readonly swap: SwapStore | undefined;
  readonly global: boolean;
  readonly order: EvictionFactory;
  readonly timeoutMs: number;
}

/** @throws TypeError, RangeError; MirrorError `INVALID_ARGUMENT` for an unknown order */
export function checkReclaim(options: ReclaimOptions, pageSize: number, timeoutMs: number): CheckedReclaim {
  if (typeof options !== 'object' || options === null) throw new TypeError('reclaim takes an object of options');
  const { budget = Infinity, swap, lists = 'device', order = 'lru' } = options;
  if (typeof budget !== 'number') throw new TypeError(`budget must be a number of bytes, got ${typeof budget}`);
  if (!(budget >= pageSize))
    throw new RangeError(`budget must be at least one page of ${pageSize} bytes, got ${budget}`);
  if (lists !== 'device' && lists !== 'global')
    throw new TypeError(`lists must be 'device' or 'global', got ${String(lists)}`);
  if (swap !== undefined) checkSwapStore(swap, pageSize);
  if (options.timeoutMs !== undefined) checkTimeout(options.timeoutMs);
  return { budget, swap, global: lists === 'global', order: orderOf(order), timeoutMs: options.timeoutMs ?? timeoutMs };
}

function orderOf(order: EvictionName | EvictionFactory): EvictionFactory {
  if (typeof order === 'function') return order;
  const found =
    typeof order === 'string' && Object.hasOwn(evictionPolicies, order) ? evictionPolicies[order] : undefined;
  if (found !== undefined) return found;
  throw new MirrorError(
    'INVALID_ARGUMENT',
    `no order ${JSON.stringify(order)}; there are ${Object.keys(evictionPolicies).join(', ')}, or pass a factory`,
  );
}
