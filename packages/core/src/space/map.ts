import { alignUp, checkAddress, checkByteLength, hex } from '../address/index.js';
import { MirrorError } from '../driver/index.js';
import { MemoryObject } from './memory-object.js';
import { Region, type MapOptions, type RegionAccess, type RegionOwner } from './region.js';
import { firstAddress, type SpaceState } from './state.js';
import { unmapSync } from './unmap.js';
import { releaseObjects } from './release.js';

const HUGE = 2 << 20;

/** Maps a region. Synchronous; nothing is allocated for its contents. */
export function mapRegion(space: SpaceState, owner: RegionOwner, options: MapOptions): Region {
  space.checkOpen();
  const plan = checkMapOptions(space, options);
  const live = plan.live ? space.store.live!.open(plan.bytes / space.pageSize) : undefined;
  // One address space: the process's own addresses, where nobody asks for others.
  const hint = plan.address ?? live?.address;
  let start: number;
  try {
    start = options.fixed === true ? plan.address! : findAddress(space, plan.bytes, hint);
  } catch (error) {
    if (live !== undefined) space.store.live!.end(live);
    throw error;
  }
  if (options.fixed === true) background(space, unmapSync(space, owner, start, start + plan.bytes));
  const object = live === undefined ? objectFor(space, options) : new MemoryObject(space.store, undefined, live);
  object?.retain();
  const region = new Region(owner, {
    start,
    end: start + plan.bytes,
    access: plan.access,
    shared: plan.live || options.share === 'shared',
    object,
    objectPage: (options.offset ?? 0) / space.pageSize,
    name: options.name ?? (options.source === undefined ? 'anonymous' : 'file'),
    advice: {},
  });
  space.regions.insert(region);
  space.store.announce();
  return region;
}

/** A free range for `bytes`: at the hint if that is free, else the next free one in turn. @throws MirrorError `OUT_OF_ADDRESS_SPACE` */
export function findAddress(space: SpaceState, bytes: number, hint: number | undefined): number {
  const alignment = bytes >= HUGE ? Math.max(HUGE, space.pageSize) : space.pageSize;
  if (hint !== undefined) {
    const at = Math.floor(hint / space.pageSize) * space.pageSize;
    if (
      at >= firstAddress(space.pageSize) &&
      at + bytes <= space.limit &&
      space.regions.overlapping(at, at + bytes).length === 0
    )
      return at;
  }
  let found = space.regions.gap(bytes, alignment, space.cursor, space.limit);
  if (found < 0) found = space.regions.gap(bytes, alignment, firstAddress(space.pageSize), space.limit);
  if (found < 0) {
    throw new MirrorError(
      'OUT_OF_ADDRESS_SPACE',
      `no free range of ${bytes} bytes below ${hex(space.limit)}; unmap regions first`,
    );
  }
  space.cursor = found + bytes;
  return found;
}

/**
 * Lets a flush go on by itself: launches are ordered behind it. If it fails, its device is lost and says so; what cannot be
 * written back is tried again by `sync` and `close`, which say so.
 */
function background(space: SpaceState, objects: readonly MemoryObject[]): void {
  releaseObjects(space, objects).catch(() => undefined);
}

function objectFor(space: SpaceState, options: MapOptions): MemoryObject | undefined {
  if (options.source !== undefined) return space.host.objectOf(options.source);
  return options.share === 'shared' ? new MemoryObject(space.store, undefined) : undefined;
}

function checkMapOptions(
  space: SpaceState,
  options: MapOptions,
): { bytes: number; address: number | undefined; access: RegionAccess; live: boolean } {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('map takes an object with at least { bytes }');
  const bytes = alignUp(checkByteLength(options.bytes), space.pageSize);
  if (bytes > space.limit) throw new RangeError(`${bytes} bytes do not fit a space that ends at ${hex(space.limit)}`);
  const access = checkAccessName(options.access ?? 'read-write');
  const { share, source, offset, fixed, name } = options;
  if (name !== undefined && typeof name !== 'string') throw new TypeError(`name must be a string, got ${typeof name}`);
  if (share !== undefined && share !== 'private' && share !== 'shared')
    throw new TypeError(`share must be 'private' or 'shared', got ${String(share)}`);
  if (fixed !== undefined && typeof fixed !== 'boolean')
    throw new TypeError(`fixed must be a boolean, got ${typeof fixed}`);
  if (options.address !== undefined) checkAddress(options.address);
  if (fixed === true) checkFixed(space, options.address, bytes);
  checkSource(space, options, bytes);
  if (offset !== undefined && source === undefined) throw new TypeError('offset needs a source');
  return { bytes, address: options.address, access, live: checkLive(space, options) };
}

/** Whether a region is to be live. @throws TypeError; MirrorError `UNSUPPORTED` */
function checkLive({ store }: SpaceState, { live, share, source }: MapOptions): boolean {
  if (live !== undefined && typeof live !== 'boolean')
    throw new TypeError(`live must be a boolean, got ${typeof live}`);
  const fits = source === undefined && share !== 'private';
  if (live !== true || (fits && store.live !== undefined)) return live ?? (fits && store.live !== undefined);
  throw new MirrorError(
    'UNSUPPORTED',
    fits
      ? 'this host memory has no live regions, or the system forbids to stop accesses to them: create the space with host memory of @mirrorspace/native where its probe() says that they work, or leave live out and acquire'
      : 'a live region is anonymous and shared: leave source and share out, or live',
  );
}

/** @throws TypeError */
export function checkAccessName(access: RegionAccess): RegionAccess {
  if (access !== 'none' && access !== 'read' && access !== 'read-write') {
    throw new TypeError(`access must be 'none', 'read' or 'read-write', got ${String(access)}`);
  }
  return access;
}

function checkFixed(space: SpaceState, address: number | undefined, bytes: number): void {
  if (address === undefined) throw new TypeError('fixed needs an address');
  if (address % space.pageSize !== 0)
    throw new RangeError(`a fixed address must be a multiple of ${space.pageSize}, got ${hex(address)}`);
  if (address === 0) throw new RangeError('address 0 is never mapped, so that null pointers fault');
  if (address + bytes > space.limit)
    throw new RangeError(`${bytes} bytes at ${hex(address)} leave the space, which ends at ${hex(space.limit)}`);
}

function checkSource(space: SpaceState, options: MapOptions, bytes: number): void {
  const { source, offset = 0 } = options;
  if (source === undefined) return;
  if (typeof source !== 'object' || source === null || typeof source.read !== 'function')
    throw new TypeError('a source needs { size, read }');
  for (const [name, value] of Object.entries({ 'source.size': source.size, offset }))
    if (typeof value !== 'number') throw new TypeError(`${name} must be a number, got ${typeof value}`);
  if (!Number.isSafeInteger(source.size) || source.size < 0)
    throw new RangeError(`source.size must be a number of bytes, got ${source.size}`);
  if (!Number.isSafeInteger(offset) || offset < 0 || offset % space.pageSize !== 0) {
    throw new RangeError(`offset must be a multiple of ${space.pageSize} from 0, got ${offset}`);
  }
  if (offset + bytes > alignUp(source.size, space.pageSize)) {
    throw new RangeError(`${bytes} bytes at offset ${offset} reach beyond the source's ${source.size} bytes`);
  }
  checkWritable(source, options.share === 'shared', options.access ?? 'read-write');
}

/** @throws MirrorError `INVALID_ARGUMENT` when writes to a shared region could not reach its source */
export function checkWritable(source: { write?: unknown }, shared: boolean, access: RegionAccess): void {
  if (!shared || access !== 'read-write' || source.write !== undefined) return;
  throw new MirrorError(
    'INVALID_ARGUMENT',
    "a shared writable region needs a source with write(); map it with access 'read', or private",
  );
}
