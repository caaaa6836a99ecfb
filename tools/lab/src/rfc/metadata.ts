import { createSpace, type EvictionName, memorySwap, type ReclaimOptions } from '@mirrorspace/core';
import { openDevice, PAGE } from './device.js';

/** Pages whose metadata is counted: so many that what does not grow with them is little beside it. */
const PAGES = 1 << 16;

/** What core says it keeps (`space.metadataBytes`). */
export interface MetadataRow {
  readonly what: string;
  readonly bytes: number;
}

/** Counts metadata of pages that a device has: without reclaim, with each order, with one list for all devices; and of merged pages. */
export async function countMetadata(): Promise<MetadataRow[]> {
  return [...(await ofLists()), await ofMerged()];
}

async function ofLists(): Promise<MetadataRow[]> {
  const cases: readonly [string, Omit<ReclaimOptions, 'swap'> | undefined][] = [
    ['a page, no reclaim', undefined],
    ...(['lru', 'clock', 'fifo'] as const satisfies readonly EvictionName[]).map(
      (order): [string, Omit<ReclaimOptions, 'swap'>] => [`a page, order ${order}, lists device`, { order }],
    ),
    ['a page, order lru, lists global', { order: 'lru', lists: 'global' }],
  ];
  const rows: MetadataRow[] = [];
  for (const [what, options] of cases) {
    const { device } = await openDevice({ frames: PAGES });
    const reclaim = options && { ...options, swap: memorySwap(PAGE) };
    const space = await createSpace({ ...(reclaim && { reclaim }) });
    const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none' });
    const { address, bytes } = space.map({ bytes: PAGES * PAGE });
    await mirror.prefetch(address, bytes);
    rows.push({ what, bytes: space.metadataBytes / PAGES });
    await space.close();
    await device.close();
  }
  return rows;
}

/** What is noted of written pages that are merged before anybody asks for `written`. */
async function ofMerged(): Promise<MetadataRow> {
  const space = await createSpace();
  const { address, bytes } = space.map({ bytes: PAGES * PAGE });
  await space.advise(address, bytes, { mergeable: true });
  await space.write(address, new Uint8Array(bytes).fill(1));
  const before = space.metadataBytes;
  const { merged } = await space.merge();
  const added = (space.metadataBytes - before) / merged;
  await space.close();
  return { what: 'more, an entry that was written and then merged', bytes: added };
}
