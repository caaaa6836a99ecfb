import type { PageStore } from './page-store.js';

/**
 * Makes pages for neighbours of a source, with storage; ascending. With a budget they are whatever frames there are, so that no storage is
 * added while there is room in what there is; else side by side. @throws MirrorError `OUT_OF_HOST_MEMORY`; none is made then
 */
export function makePages(store: PageStore, count: number): Uint32Array {
  const pages = new Uint32Array(count);
  let made = 0;
  try {
    if (store.pressure === undefined) {
      const first = store.createRun(count);
      for (; made < count; made++) pages[made] = first + made;
      store.host.commit(first, count);
    } else {
      for (; made < count; made++) pages[made] = store.create();
      for (const page of pages) store.host.commit(page, 1);
    }
  } catch (error) {
    for (let i = 0; i < made; i++) store.withdraw(pages[i]!);
    throw error;
  }
  return pages.sort();
}

/** Has `fill` fill bytes that nobody wants: the system has them in memory then, and an error is told of. */
export async function readAway(
  store: PageStore,
  count: number,
  fill: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const buffer = store.buffers.take(count * store.host.pageSize);
  try {
    await fill(buffer.subarray(0, count * store.host.pageSize));
  } finally {
    store.buffers.give(buffer);
  }
}

/** Has `fill` fill the bytes of pages, as one array; where they do not lie side by side, by way of a buffer. */
export async function fillPages(
  store: PageStore,
  pages: Uint32Array,
  fill: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const { host } = store;
  const { pageSize } = host;
  const count = pages.length;
  const isRun = pages[count - 1]! - pages[0]! === count - 1;
  const view = isRun ? host.view(pages[0]!, count) : undefined;
  if (view !== undefined) return fill(view);
  const buffer = store.buffers.take(count * pageSize);
  try {
    await fill(buffer.subarray(0, count * pageSize));
    for (let i = 0; i < count; i++) {
      host.bufferOf(pages[i]!).set(buffer.subarray(i * pageSize, (i + 1) * pageSize), host.offsetOf(pages[i]!));
    }
  } finally {
    store.buffers.give(buffer);
  }
}
