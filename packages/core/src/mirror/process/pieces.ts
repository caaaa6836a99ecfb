import { MirrorError } from '../../driver/index.js';
import type { Region, SpaceState } from '../../space/index.js';

/** A part of a region of a space, and where the process has it. */
export interface Piece {
  /** The region. */
  readonly region: Region;
  /** First byte in the space. */
  readonly start: number;
  /** Bytes, whole pages. */
  readonly bytes: number;
  /** First byte in the process: what the device goes by. */
  readonly address: number;
}

/**
 * The parts of a page range of a space, all of it mapped, by the process's addresses.
 * @throws MirrorError `UNSUPPORTED` for a region that is not the process's own memory; then nothing was done
 */
export function piecesOf(space: SpaceState, start: number, end: number): Piece[] {
  return space.regions.overlapping(start, end).map((region) => {
    const piece = pieceOf(space, region, start, end);
    if (piece !== undefined) return piece;
    throw new MirrorError(
      'UNSUPPORTED',
      `region "${region.name}" is not live, and a device that mirrors the process's page table does not reach it; map an anonymous region that is shared`,
      { address: region.start },
    );
  });
}

/** Those parts of a page range of a space that are mapped, and the process's own memory. */
export function livePieces(space: SpaceState, start: number, end: number): Piece[] {
  const pieces = space.regions.overlapping(start, end).map((region) => pieceOf(space, region, start, end));
  return pieces.filter((piece) => piece !== undefined);
}

function pieceOf({ pageSize }: SpaceState, region: Region, start: number, end: number): Piece | undefined {
  const live = region.object?.live;
  if (live === undefined) return undefined;
  const from = Math.max(start, region.start);
  const address = live.address + region.objectPage * pageSize + from - region.start;
  return { region, start: from, bytes: Math.min(end, region.end) - from, address };
}
