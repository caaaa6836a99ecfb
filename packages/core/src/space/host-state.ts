import type { HostMemory } from './host-memory.js';
import { MemoryObject } from './memory-object.js';
import { PageStore } from './page-store.js';
import type { ByteSource } from './source.js';

/** What all spaces on one host memory share: its pages, and the page caches of the sources they map. */
export class HostState {
  readonly store: PageStore;
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
