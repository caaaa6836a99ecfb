import { MirrorError } from '../driver/index.js';
import type { RangeOptions } from '../space/index.js';
import {
  type EvictionFactory,
  type EvictionName,
  evictionPolicies,
  onTouch,
  type PlacementPolicy,
  type PreemptionName,
  preemptionPolicies,
  type PreemptionPolicy,
  type PrefetchFactory,
  type PrefetchName,
  prefetchPolicies,
  queuePolicies,
  type QueuePolicy,
  type QueuePolicyName,
} from '../policy/index.js';

/** How a device is attached to a space. */
export interface AttachOptions {
  /** Which frames are given up first: a name or a policy of your own. One a device: later mirrors must agree. Default `lru`. */
  readonly eviction?: EvictionName | EvictionFactory;
  /** What is brought along with faults: a name or a policy of your own. Default `tree`. */
  readonly prefetch?: PrefetchName | PrefetchFactory;
  /** Where faulting pages go. Default: to whoever touches them; reads are duplicated. */
  readonly placement?: PlacementPolicy;
  /** Which command queue updates of the device's page table go to: a name or a policy of your own. One a device. Default `paging`. */
  readonly updateQueue?: QueuePolicyName | QueuePolicy;
  /** Which updates interrupt running work, on a device that claims `preemption`: a name or a policy of your own. One a device. Default `never`. */
  readonly preemption?: PreemptionName | PreemptionPolicy;
  /** Most faults served by one round, 1 to 65,536. One a device. Default 256. */
  readonly batch?: number;
  /**
   * Evictions after which the accessed bits of all resident pages are harvested, as a share of the device's frames: so that `lru` and
   * `clock` go by accesses and not by faults alone. 0 to 1024; 0: never; without effect on devices without `accessed-bits`. One a
   * device. Default 0.
   */
  readonly aging?: number;
  /** Milliseconds without progress after which something counts as stuck, > 0. One a device. Default 30,000. */
  readonly timeoutMs?: number;
}

/** Options of `mirror.prefetch`. */
export interface PrefetchOptions extends RangeOptions {
  /** `write` makes the device the owner. Default `read`. */
  readonly access?: 'read' | 'write';
}

/** Options with defaults filled in. */
export interface CheckedOptions {
  readonly eviction: EvictionFactory;
  readonly prefetch: PrefetchFactory;
  readonly placement: PlacementPolicy;
  readonly updateQueue: QueuePolicy;
  readonly preemption: PreemptionPolicy;
  readonly batch: number;
  readonly aging: number;
  readonly timeoutMs: number;
}

/** @throws TypeError, RangeError; MirrorError `INVALID_ARGUMENT` for an unknown policy name */
export function checkAttachOptions(options: AttachOptions): CheckedOptions {
  if (typeof options !== 'object' || options === null) throw new TypeError('attach options must be an object');
  const { batch = 256, aging = 0, timeoutMs = 30_000, placement = onTouch } = options;
  if (typeof batch !== 'number' || typeof timeoutMs !== 'number')
    throw new TypeError('batch and timeoutMs must be numbers');
  if (typeof aging !== 'number') throw new TypeError(`aging must be a number, got ${typeof aging}`);
  if (!(aging >= 0 && aging <= 1024)) throw new RangeError(`aging must lie in 0 to 1024 of the frames, got ${aging}`);
  if (!Number.isInteger(batch) || batch < 1 || batch > 65_536)
    throw new RangeError(`batch must lie in 1 to 65,536, got ${batch}`);
  if (!(timeoutMs > 0 && timeoutMs <= 2 ** 31 - 1))
    throw new RangeError(`timeoutMs must lie in 1 to ${2 ** 31 - 1}, got ${timeoutMs}`);
  if (typeof placement !== 'function') throw new TypeError('placement must be a function');
  return {
    eviction: policy('eviction', options.eviction ?? 'lru', evictionPolicies),
    prefetch: policy('prefetch', options.prefetch ?? 'tree', prefetchPolicies),
    placement,
    updateQueue: policy('queue', options.updateQueue ?? 'paging', queuePolicies),
    preemption: policy('preemption', options.preemption ?? 'never', preemptionPolicies),
    batch,
    aging,
    timeoutMs,
  };
}

function policy<F>(kind: string, choice: string | F, named: Readonly<Record<string, F>>): F {
  if (typeof choice === 'function') return choice;
  const found = typeof choice === 'string' && Object.hasOwn(named, choice) ? named[choice] : undefined;
  if (found !== undefined) return found;
  throw new MirrorError(
    'INVALID_ARGUMENT',
    `no ${kind} policy ${JSON.stringify(choice)}; there are ${Object.keys(named).join(', ')}, or pass a function`,
  );
}
