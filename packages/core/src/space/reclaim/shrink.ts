import type { DevicePages } from '../device-pages.js';
import { PAGE_ACCESSED, PAGE_DEAD, PAGE_HELD, PAGE_LOCKED, PAGE_LOST } from '../page-state.js';
import type { PageStore } from '../page-store.js';
import { recallPages } from '../recall.js';

/** What a page must not be to be taken off devices. */
const STAYS = PAGE_LOCKED | PAGE_HELD | PAGE_LOST | PAGE_DEAD;

/**
 * The shrinker: has devices give up about `count` of the pages they use least. Those that the device's accessed bits say were used
 * since they were last looked at stay and count as used just now. Resolves to pages that no device uses any more.
 */
export async function takeOffDevices(store: PageStore, count: number): Promise<number[]> {
  const lists = store.lists!;
  if (count === 0 || lists.used === 0) return [];
  const chosen = lists.inUse === undefined ? coldestOfEach(store, count) : coldestOfAll(store, count);
  const pages = Uint32Array.from(new Set(chosen.slice(0, count)));
  // Cleared before asking, so that what is found meanwhile, by whomever, is not lost.
  for (const page of pages) store.unmark(page, PAGE_ACCESSED);
  const accessed = await accessedSince(store, pages);
  const cold = pages.filter((page, i) => accessed[i] === 0 && !store.any(page, STAYS) && mayLeaveDevices(store, page));
  pages.forEach((page, i) => {
    if (accessed[i] === 1 && store.devicesOf(page) !== 0) lists.touch(page);
  });
  // A device that is lost meanwhile says so to its mirrors.
  if (cold.length > 0) await recallPages(store, cold, cold.length, 'revoke').catch(() => undefined);
  return Array.from(cold.filter((page) => store.devicesOf(page) === 0));
}

/** One list a device: each gives up in proportion to what it has. */
function coldestOfEach(store: PageStore, count: number): number[] {
  const devices = store.allDevices();
  const total = devices.reduce((sum, device) => sum + device.resident, 0);
  return devices.flatMap((device) => device.coldest(Math.ceil((count * device.resident) / Math.max(1, total))));
}

/** One list for all: a page that two devices use is as warm as the device that uses it most. */
function coldestOfAll(store: PageStore, count: number): number[] {
  const out = new Uint32Array(count);
  const { inUse } = store.lists!;
  const taken = out.subarray(0, inUse!.takeColdest(out, count));
  for (const page of taken) inUse!.insert(page);
  return Array.from(taken.filter((page) => mayLeaveDevices(store, page)));
}

function mayLeaveDevices(store: PageStore, page: number): boolean {
  return store.devicesWith(page).every((device) => device.mayLeave(page));
}

async function accessedSince(store: PageStore, pages: Uint32Array): Promise<Uint8Array> {
  const result = new Uint8Array(pages.length);
  const ask = async (device: DevicePages) => {
    const bits = await device.accessed(pages).catch(() => result);
    bits.forEach((bit, i) => (result[i]! |= bit));
  };
  await Promise.all(store.allDevices().map(ask));
  return result;
}
