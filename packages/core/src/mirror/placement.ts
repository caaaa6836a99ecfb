import { HOST, type PlacementRequest } from '../policy/index.js';
import { type Advice, allows, PAGE_OWNED, type Region } from '../space/index.js';
import type { MirrorState } from './mirror-state.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Reused: policies are pure and keep nothing. */
const request: Mutable<PlacementRequest> = {
  device: 0,
  access: 'read',
  owner: HOST,
  preferred: undefined,
  readMostly: false,
  accessedBy: 0,
  pinned: false,
  remote: false,
  untouched: false,
};

/** Asks the placement policy whether the device is to own a page that it reads; -1 stands for one that nobody has touched. */
export function wantsOwnership(mirror: MirrorState, region: Region, page: number): boolean {
  if (!allows(region.access, true)) return false;
  const { store } = mirror.space;
  // Whoever owns a private page has a copy of it, and no longer sees what others write: a read asks for none.
  if (!region.shared && (page >= 0 ? store.isShared(page) : region.object !== undefined)) return false;
  if (page >= 0 && mirror.watches && isThrashing(mirror, page)) return false;
  request.device = mirror.residency.bit;
  request.access = 'read';
  request.untouched = page < 0;
  request.owner = page >= 0 && store.any(page, PAGE_OWNED) ? 31 - Math.clz32(store.devicesOf(page)) : HOST;
  request.preferred = placeOf(mirror, region.advice.preferredLocation);
  request.readMostly = region.advice.readMostly === true;
  request.accessedBy = region.advice.accessedBy?.includes(mirror.handle!) === true ? 1 << mirror.residency.bit : 0;
  return mirror.placement(request) === 'migrate';
}

/** A page that goes to and fro stays where it is: reads get copies. */
function isThrashing({ space, thrashing, time }: MirrorState, page: number): boolean {
  const key = space.store.onlyKeyOf(page);
  return key >= 0 && thrashing.isThrashing(key - space.base, time);
}

/** Whether pages of a region may be brought here before anyone faults on them. */
export function mayPrefetch(mirror: MirrorState, region: Region): boolean {
  const preferred = region.advice.preferredLocation;
  return preferred === undefined || preferred === null || preferred === mirror.handle;
}

function placeOf(mirror: MirrorState, preferred: Advice['preferredLocation']): number | undefined {
  if (preferred === undefined || preferred === null) return undefined;
  if (preferred === 'host') return HOST;
  // Another device's number does not matter to a policy, only that it is not this one.
  return preferred === mirror.handle ? mirror.residency.bit : mirror.residency.bit + 1;
}
