import {
  type DeviceMmu,
  SNAPSHOT_ERROR,
  SNAPSHOT_LOCAL,
  SNAPSHOT_READ,
  SNAPSHOT_REMOTE,
  SNAPSHOT_WRITE,
} from '../../driver/index.js';
import type { SpaceState } from '../../space/index.js';
import { RESIDENT_ASSUMED, RESIDENT_DEVICE, RESIDENT_HOST, RESIDENT_WRITABLE } from '../residency-view.js';
import type { Occupancy } from './occupancy.js';
import { livePieces } from './pieces.js';

/** Where the pages of a page range are, as the device says; where it does not, as core asked last: a byte of `RESIDENT_*` bits a page. */
export function viewOccupancy(
  space: SpaceState,
  mmu: DeviceMmu,
  occupancy: Occupancy,
  start: number,
  end: number,
): Uint8Array {
  const result = new Uint8Array(space.pageOf(end - start));
  // What no device of this kind reaches is on the host, if anywhere: as for any other range that is not mapped, 0.
  for (const piece of livePieces(space, start, end)) {
    const first = space.pageOf(piece.start - start);
    const count = space.pageOf(piece.bytes);
    const flags = new Uint8Array(count);
    mmu.snapshot?.(piece.address, flags);
    const page = space.pageOf(piece.address);
    for (let i = 0; i < count; i++)
      result[first + i] = mmu.snapshot === undefined ? assumed(occupancy.has(page + i)) : residencyOf(flags[i]!);
  }
  return result;
}

function assumed(there: boolean): number {
  return RESIDENT_ASSUMED | (there ? RESIDENT_DEVICE | RESIDENT_WRITABLE : RESIDENT_HOST);
}

function residencyOf(flags: number): number {
  if ((flags & SNAPSHOT_LOCAL) !== 0) return RESIDENT_DEVICE | ((flags & SNAPSHOT_WRITE) !== 0 ? RESIDENT_WRITABLE : 0);
  const elsewhere = SNAPSHOT_REMOTE | SNAPSHOT_ERROR;
  return (flags & elsewhere) === 0 && (flags & SNAPSHOT_READ) !== 0 ? RESIDENT_HOST : 0;
}
