import type { HostMemory } from './host-memory.js';
import { MemoryObject } from './memory-object.js';
import { type KeySpace, PageStore } from './page-store.js';
import type { RegionMap } from './region-map.js';
import type { ByteSource } from './source.js';

/** What is known of each space on a host memory. */
export interface HostSpace extends KeySpace {
  readonly host: HostState;
  readonly regions: RegionMap;
  /** End of the addresses that may be mapped. */
  readonly limit: number;
}

/** What all spaces on one host memory share: its pages, and the page caches of the sources they map. */
export class HostState {
  readonly store: PageStore;
  /** The open spaces, by the key of their page 0. */
  readonly spaces = new Map<number, HostSpace>();
  private readonly objects = new WeakMap<ByteSource, MemoryObject>();

  constructor(host: HostMemory) {
    this.store = new PageStore(host);
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
