import { MirrorError } from '../driver/index.js';
import { PAGE_LOCKED, recallPages } from '../space/index.js';
import type { DevicePool } from './device-pool.js';
import type { MirrorState } from './mirror-state.js';

/**
 * Brings everything home that a mirror has on its device, and what stays cached there if no other mirror uses that cache.
 * @throws MirrorError `DEVICE_LOST`, `DEVICE_TIMEOUT`
 */
export async function bringAllHome(pool: DevicePool, mirror: MirrorState): Promise<void> {
  await emptyOut(pool, mirror, () => mappedPages(mirror));
  await pool.flushNow();
  if (mirror.residency.mirrors === 1) await emptyOut(pool, mirror, () => cachedPages(pool, mirror));
}

async function emptyOut(pool: DevicePool, mirror: MirrorState, find: () => number[]): Promise<void> {
  const { store } = mirror.space;
  for (let pages = find(); pages.length > 0 && pool.state.lostError === undefined; pages = find()) {
    const free = pages.filter((page) => !store.any(page, PAGE_LOCKED));
    if (free.length > 0) {
      await recallPages(store, Uint32Array.from(free), free.length, 'revoke', ~(1 << mirror.residency.bit));
    } else if (!(await store.changed.wait(pool.state.timeoutMs))) {
      throw new MirrorError(
        'DEVICE_TIMEOUT',
        `detaching ${pool.name} waited ${pool.state.timeoutMs} ms for ${pages.length} pages that are being copied or changing owner`,
        { device: pool.name },
      );
    }
  }
}

function mappedPages(mirror: MirrorState): number[] {
  const { store, base, limit, pageSize } = mirror.space;
  return store.pagesWithin(base, base + limit / pageSize).filter((page) => mirror.residency.frame(page) >= 0);
}

function cachedPages(pool: DevicePool, mirror: MirrorState): number[] {
  const { frames } = pool;
  const pages: number[] = [];
  for (let frame = 0; frame < frames.made; frame++) {
    const page = frames.pageOf[frame]!;
    if (frames.owner(frame) === mirror.residency.index && mirror.residency.frame(page) === frame) pages.push(page);
  }
  return pages;
}
