import type { IdList } from '../address/index.js';
import { MirrorError } from '../driver/index.js';
import type { HostMemory } from './host-memory.js';
import { serveLiveFaults } from './live-faults.js';
import { MemoryObject } from './memory-object.js';
import type { KeySpace } from './key-space.js';
import { PageStore } from './page-store.js';
import { checkReclaim, type ReclaimOptions } from './reclaim/options.js';
import { PageLists } from './reclaim/page-lists.js';
import { Reclaimer } from './reclaim/reclaimer.js';
import { SwapTable } from './reclaim/swap-table.js';
import type { RegionMap } from './region-map.js';
import type { ByteSource } from './source.js';

/** What is known of each space on a host memory. */
export interface HostSpace extends KeySpace {
  readonly host: HostState;
  readonly regions: RegionMap;
  /** End of the addresses that may be mapped. */
  readonly limit: number;
  /** Page number of an address. */
  pageOf(address: number): number;
  /** Slots found by the operation under way; synchronous use only. */
  readonly scratch: IdList;
  /** Carries pending invalidations to every device; resolves when they are true there. */
  flush(): Promise<void>;
}

/** What all spaces on one host memory share: its pages, what keeps them few, and the page caches of the sources they map. */
export class HostState {
  readonly store: PageStore;
  /** The open spaces, by the key of their page 0. */
  readonly spaces = new Map<number, HostSpace>();
  /** What reclaims its pages; where a space asked for that. */
  reclaimer: Reclaimer | undefined;
  private asked: ReclaimOptions | undefined;
  private readonly objects = new WeakMap<ByteSource, MemoryObject>();

  constructor(host: HostMemory) {
    this.store = new PageStore(host);
    if (this.store.live !== undefined) serveLiveFaults(this.store);
  }

  /**
   * Begins to reclaim. Spaces that share the host memory agree on how, or say nothing.
   * @throws TypeError, RangeError; MirrorError `INVALID_ARGUMENT` when another space asked for something else
   */
  reclaim(options: ReclaimOptions, timeoutMs: number): void {
    const { store, asked } = this;
    const checked = checkReclaim(options, store.host.pageSize, timeoutMs);
    if (asked !== undefined) {
      const keys: (keyof ReclaimOptions)[] = ['budget', 'swap', 'lists', 'order', 'timeoutMs'];
      if (keys.every((key) => options[key] === undefined || options[key] === asked[key])) return;
      throw new MirrorError(
        'INVALID_ARGUMENT',
        'another space on this host memory asked for other reclaim options; give the same ones, or none',
      );
    }
    this.asked = options;
    store.swap =
      checked.swap === undefined ? undefined : new SwapTable(Math.floor(checked.swap.size / store.host.pageSize));
    this.reclaimer = new Reclaimer(store, checked);
    const lists = new PageLists(checked.order, checked.global, store.host.pageSize);
    store.beginReclaim(lists, this.reclaimer);
  }

  /** The page cache over a source: one as long as the source lives. */
  objectOf(source: ByteSource): MemoryObject {
    let object = this.objects.get(source);
    if (object === undefined) {
      object = new MemoryObject(this.store, source);
      this.objects.set(source, object);
    }
    return object;
  }
}

const states = new WeakMap<HostMemory, HostState>();

/** The state of a host memory: one for all spaces on it. */
export function hostStateOf(host: HostMemory): HostState {
  let state = states.get(host);
  if (state === undefined) {
    state = new HostState(host);
    states.set(host, state);
  }
  return state;
}
