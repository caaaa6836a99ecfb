import type { EvictionFactory, EvictionName } from '../eviction/index.js';
import type { FlushName, FlushPolicy } from '../flush/index.js';
import type { PlacementName, PlacementPolicy } from '../placement/index.js';
import type { PrefetchFactory, PrefetchName } from '../prefetch/index.js';
import type { ThrashingFactory, ThrashingName } from '../thrashing/index.js';

/** Policies that belong together: names, or policies of your own. What is absent is as without a set. */
export interface PolicySet {
  /** Which frames are given up first: a name or a policy of your own. One a device: later mirrors must agree. Default `next-use`; `lru` where the device has no `accessed-bits` or mirrors the process. */
  readonly eviction?: EvictionName | EvictionFactory;
  /** What is brought along with faults: a name or a policy of your own. Default `units`; `tree` where the device has no `accessed-bits` or mirrors the process. */
  readonly prefetch?: PrefetchName | PrefetchFactory;
  /** Where faulting pages go: a name or a policy of your own. Default `on-touch`: to whoever touches them; reads are duplicated, so that a device that is lost takes nothing that it only read. */
  readonly placement?: PlacementName | PlacementPolicy;
  /** How pages that go to and fro between CPU and device are found out: they are not brought ahead, and reads make copies. A name or a policy of your own. Default `none`. */
  readonly thrashing?: ThrashingName | ThrashingFactory;
  /** When invalidations are sent though nobody flushes: a name or a policy of your own. One a device. Default `flush-point`. */
  readonly flush?: FlushName | FlushPolicy;
  /**
   * Evictions after which the accessed bits of all resident pages are harvested, as a share of the device's frames: so that `lru` and
   * `clock` go by accesses and not by faults alone. 0 to 1024; 0: never; without effect on devices without `accessed-bits`. One a
   * device. Default 0.
   */
  readonly aging?: number;
  /**
   * Frames whose accessed bits are harvested for each frame given up, those first that are to go next: so that eviction policies go by accesses, and it is known whether
   * what was brought ahead is used. 0 to 64; 0: none; without effect on devices without `accessed-bits`. One a device. Default 3 with `next-use` or `units`, else 0.
   */
  readonly sampling?: number;
}

/** Names of the sets that come with core. */
export type PolicySetName = 'default' | 'simple' | 'uvm' | 'xe' | 'kfd';
