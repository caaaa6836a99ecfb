import type { NotifierEventKind } from '../notifier/index.js';
import type { PageStore } from './page-store.js';

/** Keys of the entries that map a page; a snapshot. */
export function keysOf(store: PageStore, page: number): number[] {
  return Array.from({ length: store.mapCount(page) }, (_none, i) => store.mappingKey(page, i));
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
      const { notifiers, base, pageSize } = store.spaceAt(keys[begun]!);
      const start = (keys[begun]! - base) * pageSize;
      notifiers.begin(kind, start, start + pageSize, owner, blockable);
    }
    change();
  } finally {
    for (let i = 0; i < begun; i++) store.spaceAt(keys[i]!).notifiers.end();
  }
}
