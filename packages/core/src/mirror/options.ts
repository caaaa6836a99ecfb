import { MirrorError } from '../driver/index.js';
import type { RangeOptions } from '../space/index.js';
import {
  type EvictionFactory,
  evictionPolicies,
  type FlushName,
  flushPolicies,
  type FlushPolicy,
  type PlacementName,
  placementPolicies,
  type PlacementPolicy,
  type PolicySet,
  type PolicySetName,
  policySets,
  type PreemptionName,
  preemptionPolicies,
  type PreemptionPolicy,
  type PrefetchFactory,
  prefetchPolicies,
  queuePolicies,
  type QueuePolicy,
  type QueuePolicyName,
  type ThrashingFactory,
  thrashingPolicies,
} from '../policy/index.js';

/** How a device is attached to a space. */
export interface AttachOptions extends PolicySet {
  /** Policies that belong together: a name, or a set of your own. What else is given goes before it. Default: what each option says. */
  readonly policies?: PolicySetName | PolicySet;
  /** Which command queue updates of the device's page table go to: a name or a policy of your own. One a device. Default `paging`. */
  readonly updateQueue?: QueuePolicyName | QueuePolicy;
  /** Which updates interrupt running work, on a device that claims `preemption`: a name or a policy of your own. One a device. Default `never`. */
  readonly preemption?: PreemptionName | PreemptionPolicy;
  /** Most faults served by one round, 1 to 65,536. One a device. Default 256. */
  readonly batch?: number;
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
  readonly flush: FlushPolicy;
  readonly thrashing: ThrashingFactory;
  readonly updateQueue: QueuePolicy;
  readonly preemption: PreemptionPolicy;
  readonly batch: number;
  readonly aging: number;
  readonly sampling: number;
  readonly timeoutMs: number;
}

/** Policies where nothing is said; `sampling` where either of them is taken. */
export type UsualPolicies = Required<Pick<PolicySet, 'eviction' | 'prefetch' | 'sampling'>>;

const { eviction, prefetch, sampling } = policySets.default;
/** Those of the set `default`, which learn from accessed bits. */
export const LEARNING: UsualPolicies = { eviction: eviction!, prefetch: prefetch!, sampling: sampling! };
/** Where nobody hears what was used. */
export const UNTOLD: UsualPolicies = { eviction: 'lru', prefetch: 'tree', sampling: 0 };

/** @throws TypeError, RangeError; MirrorError `INVALID_ARGUMENT` for an unknown policy name */
export function checkAttachOptions(options: AttachOptions, usual: UsualPolicies): CheckedOptions {
  if (typeof options !== 'object' || options === null) throw new TypeError('attach options must be an object');
  const set = setOf(options.policies);
  const { eviction = set.eviction ?? usual.eviction, prefetch = set.prefetch ?? usual.prefetch } = options;
  const learns = eviction === usual.eviction || prefetch === usual.prefetch;
  const { sampling = set.sampling ?? (learns ? usual.sampling : 0) } = options;
  const { batch = 256, aging = set.aging ?? 0, timeoutMs = 30_000 } = options;
  if (typeof batch !== 'number' || typeof timeoutMs !== 'number')
    throw new TypeError('batch and timeoutMs must be numbers');
  if (typeof aging !== 'number') throw new TypeError(`aging must be a number, got ${typeof aging}`);
  if (!(aging >= 0 && aging <= 1024)) throw new RangeError(`aging must lie in 0 to 1024 of the frames, got ${aging}`);
  if (typeof sampling !== 'number') throw new TypeError(`sampling must be a number, got ${typeof sampling}`);
  if (!(sampling >= 0 && sampling <= 64)) throw new RangeError(`sampling must lie in 0 to 64 frames, got ${sampling}`);
  if (!Number.isInteger(batch) || batch < 1 || batch > 65_536)
    throw new RangeError(`batch must lie in 1 to 65,536, got ${batch}`);
  if (!(timeoutMs > 0 && timeoutMs <= 2 ** 31 - 1))
    throw new RangeError(`timeoutMs must lie in 1 to ${2 ** 31 - 1}, got ${timeoutMs}`);
  return {
    eviction: policy('eviction', eviction, evictionPolicies),
    prefetch: policy('prefetch', prefetch, prefetchPolicies),
    placement: placementOf(either(options.placement, set.placement, 'on-touch')),
    flush: flushOf(either(options.flush, set.flush, 'flush-point')),
    thrashing: policy('thrashing', either(options.thrashing, set.thrashing, 'none'), thrashingPolicies),
    updateQueue: policy('queue', options.updateQueue ?? 'paging', queuePolicies),
    preemption: policy('preemption', options.preemption ?? 'never', preemptionPolicies),
    batch,
    aging,
    sampling,
    timeoutMs,
  };
}

/** @throws TypeError; MirrorError `INVALID_ARGUMENT` for an unknown name */
function setOf(choice: PolicySetName | PolicySet | undefined): PolicySet {
  if (choice === undefined) return {};
  if (typeof choice === 'object' && choice !== null) return choice;
  if (typeof choice !== 'string') throw new TypeError('policies must be the name of a set, or a set');
  return byName('policies', choice, policySets, 'a set');
}

/** The first that is given. */
function either<T>(own: T | undefined, ofSet: T | undefined, otherwise: T): T {
  return own !== undefined ? own : ofSet !== undefined ? ofSet : otherwise;
}

/** @throws TypeError; MirrorError `INVALID_ARGUMENT` for an unknown name */
function placementOf(choice: PlacementName | PlacementPolicy): PlacementPolicy {
  if (typeof choice !== 'string' && typeof choice !== 'function')
    throw new TypeError('placement must be the name of a policy, or a function');
  return policy('placement', choice, placementPolicies);
}

/** @throws TypeError, RangeError; MirrorError `INVALID_ARGUMENT` for an unknown name */
function flushOf(choice: FlushName | FlushPolicy): FlushPolicy {
  if (typeof choice === 'string') return byName('flush policy', choice, flushPolicies, 'a policy');
  if (typeof choice !== 'object' || choice === null)
    throw new TypeError('flush must be the name of a policy, or a policy');
  const { entries, us } = choice;
  if (typeof entries !== 'number' || typeof us !== 'number') throw new TypeError('entries and us must be numbers');
  if (!(entries >= 0 && us >= 0)) throw new RangeError(`entries and us must be at least 0, got ${entries} and ${us}`);
  return choice;
}

function policy<F>(kind: string, choice: string | F, named: Readonly<Record<string, F>>): F {
  return typeof choice === 'function' ? choice : byName(`${kind} policy`, choice, named, 'a function');
}

/** @throws MirrorError `INVALID_ARGUMENT` where nothing has the name */
function byName<T>(what: string, name: unknown, named: Readonly<Record<string, T>>, own: string): T {
  const found = typeof name === 'string' && Object.hasOwn(named, name) ? named[name] : undefined;
  if (found !== undefined) return found;
  throw new MirrorError(
    'INVALID_ARGUMENT',
    `no ${what} ${JSON.stringify(name)}; there are ${Object.keys(named).join(', ')}, or pass ${own}`,
  );
}
