import { type ByteRange, MirrorError } from '../driver/index.js';
import { type Advice, concernsDevices, discardLost, lostPageAt, type SpaceState } from '../space/index.js';
import type { Mirror } from './mirror.js';
import type { AttachOptions } from './options.js';

/** How a mirror is moved to another device. */
export interface ReplaceOptions extends AttachOptions {
  /**
   * What becomes of pages whose only copy went with the old device. `keep`: they fail with `DEVICE_LOST` until they are written whole
   * or discarded. `discard`: private memory becomes zeros, or what its file has; shared memory too, in every space that shows it.
   * Default `keep`.
   */
  readonly lost?: 'keep' | 'discard';
}

/**
 * - `lost` reading it fails with `DEVICE_LOST` until it is written whole or discarded
 * - `discarded` it was discarded now
 * - `renewed` it got contents, or was discarded, before
 * - `unmapped` nothing is mapped there any more
 */
export type LostState = 'lost' | 'discarded' | 'renewed' | 'unmapped';

/** A range whose only current copy was on a device that was lost, and what became of it. */
export interface LostRange extends ByteRange {
  /** What became of it. */
  readonly state: LostState;
}

/** What moving a mirror to another device came to. */
export interface Replacement {
  /** The mirror on the new device. The old one is detached. */
  readonly mirror: Mirror;
  /** What existed only on the old device when that was lost: ascending, neighbours of one state merged; empty where it was not lost. */
  readonly lost: readonly LostRange[];
}

/** @throws TypeError */
export function checkLostOption(lost: 'keep' | 'discard' | undefined): 'keep' | 'discard' {
  if (lost === undefined || lost === 'keep' || lost === 'discard') return lost ?? 'keep';
  throw new TypeError(`lost must be 'keep' or 'discard', got ${typeof lost === 'string' ? lost : typeof lost}`);
}

/** Moves what a mirror has, and the advice that names it, to one that `attach` makes. @throws what `attach` throws, and see `AddressSpace.replace` */
export async function replaceMirror(
  space: SpaceState,
  mirror: Mirror,
  attach: () => Promise<Mirror>,
  lost: 'keep' | 'discard',
): Promise<Replacement> {
  mirror.checkAttachedTo(space);
  const next = await attach();
  try {
    // Meanwhile somebody else may have detached or replaced it.
    mirror.checkAttachedTo(space);
    checkPins(space, mirror, next);
    // What a device that works has comes home; it may be lost meanwhile.
    if (!mirror.isLost) await leave(mirror);
    const ranges = mirror.isLost ? (await mirror.lost).ranges : [];
    const report = settleLost(space, ranges, lost === 'discard');
    await leave(mirror);
    await moveAdvice(space, mirror, next);
    return { mirror: next, lost: report };
  } catch (error) {
    await next.detach().catch(() => undefined);
    throw error;
  }
}

/** Detaches a mirror; that its device is lost is no failure. */
async function leave(mirror: Mirror): Promise<void> {
  try {
    await mirror.detach();
  } catch (error) {
    if (!mirror.isLost) throw error;
  }
}

/** Discards what is lost of the ranges, if it is to be, and says what became of them. */
function settleLost(space: SpaceState, ranges: readonly ByteRange[], discard: boolean): LostRange[] {
  const { pageSize } = space;
  const report: { start: number; end: number; state: LostState }[] = [];
  let discarded = false;
  for (const { start, end } of ranges) {
    for (let at = start; at < end; at += pageSize) {
      const was = lostPageAt(space, at) >= 0;
      if (discard && was) discardLost(space, at);
      const is = was && lostPageAt(space, at) >= 0;
      discarded ||= was && !is;
      const state = space.regions.at(at) === undefined ? 'unmapped' : is ? 'lost' : was ? 'discarded' : 'renewed';
      const last = report[report.length - 1];
      if (last?.end === at && last.state === state) last.end = at + pageSize;
      else report.push({ start: at, end: at + pageSize, state });
    }
  }
  if (discarded) space.store.announce();
  return report;
}

function checkPins(space: SpaceState, mirror: Mirror, next: Mirror): void {
  const { device } = next;
  const capacity = Math.floor(device.limits.memory / space.pageSize);
  let pages = 0;
  for (const { start, end, advice } of space.regions.overlapping(0, space.limit))
    if (advice.pin === mirror) pages += (end - start) / space.pageSize;
  if (pages <= capacity) return;
  throw new MirrorError(
    'OUT_OF_DEVICE_MEMORY',
    `${pages} pages are pinned to ${mirror.device.info.name}; ${device.info.name} has ${capacity} frames: unpin some, or open a larger device`,
    { device: device.info.name },
  );
}

/** Lets advice that names a mirror name another one, and pins what it says is to be pinned. */
async function moveAdvice(space: SpaceState, from: Mirror, to: Mirror): Promise<void> {
  const regions = space.regions.overlapping(0, space.limit);
  const changed = regions.filter((region) => region.advice !== (region.advice = renamed(region.advice, from, to)));
  for (const { closed, advice, start, end } of changed)
    if (!closed && concernsDevices(advice)) await to.advised(start, end);
  for (const region of regions)
    if (!region.closed && region.advice.pin === to) await to.bringPinned(region.start, region.end);
}

function renamed(advice: Advice, from: Mirror, to: Mirror): Advice {
  const { preferredLocation, accessedBy, pin } = advice;
  if (preferredLocation !== from && pin !== from && accessedBy?.includes(from) !== true) return advice;
  return {
    ...advice,
    ...(preferredLocation === from && { preferredLocation: to }),
    ...(pin === from && { pin: to }),
    ...(accessedBy !== undefined && { accessedBy: accessedBy.map((mirror) => (mirror === from ? to : mirror)) }),
  };
}
