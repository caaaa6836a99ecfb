import type { AddressRange } from '../address/index.js';
import type { NotifierEventKind, NotifierList } from '../notifier/index.js';
import type { PageStore } from './page-store.js';

/** Keys of the entries that map a page; a snapshot. */
export function keysOf(store: PageStore, page: number): number[] {
  return Array.from({ length: store.mapCount(page) }, (_none, i) => store.mappingKey(page, i));
}

/** Whether these keys, and no others, map a page. */
export function mapsStill(store: PageStore, page: number, keys: readonly number[]): boolean {
  return store.mapCount(page) === keys.length && keys.every((key) => store.lookup(key) === page);
}

/**
 * Changes entries, in whatever spaces they are, between the begin and the end of an invalidation of each. Synchronous.
 * @throws what a notifier throws, and MirrorError `BUSY` when `blockable` is false and one refused; nothing is changed then
 */
export function changeEntries(
  store: PageStore,
  keys: readonly number[],
  kind: NotifierEventKind,
  change: () => void,
  owner?: unknown,
  blockable = true,
): void {
  let begun = 0;
  try {
    for (; begun < keys.length; begun++) {
      const { notifiers, base, pageSize } = store.spaces.at(keys[begun]!);
      const start = (keys[begun]! - base) * pageSize;
      notifiers.begin(kind, start, start + pageSize, owner, blockable);
    }
    change();
  } finally {
    for (let i = 0; i < begun; i++) store.spaces.at(keys[i]!).notifiers.end();
  }
}

/** As {@link changeEntries}, for a change that can no longer be called off: what notifiers throw is added to `thrown`. */
export function changeEntriesRegardless(
  store: PageStore,
  keys: readonly number[],
  kind: NotifierEventKind,
  change: () => void,
  thrown: unknown[],
): void {
  for (const key of keys) {
    const { notifiers, base, pageSize } = store.spaces.at(key);
    const start = (key - base) * pageSize;
    notifiers.beginRegardless(kind, start, start + pageSize, thrown);
  }
  try {
    change();
  } finally {
    for (const key of keys) store.spaces.at(key).notifiers.end();
  }
}

/**
 * Changes what ranges of a space map, between the begin and the end of an invalidation of each. Synchronous. Whoever is told may
 * do anything: `change` looks again at whatever it goes by.
 * @throws what a notifier or `change` throws
 */
export function changeRanges<T>(
  notifiers: NotifierList,
  kind: NotifierEventKind,
  ranges: readonly AddressRange[],
  change: () => T,
): T {
  let begun = 0;
  try {
    for (; begun < ranges.length; begun++) notifiers.begin(kind, ranges[begun]!.start, ranges[begun]!.end);
    return change();
  } finally {
    for (let i = 0; i < begun; i++) notifiers.end();
  }
}
