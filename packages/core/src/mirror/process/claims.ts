import { hex } from '../../address/index.js';
import { MirrorError } from '../../driver/index.js';
import { PAGE_HELD, PAGE_HELD_WRITE, type SpaceState } from '../../space/index.js';
import type { Piece } from './pieces.js';

/** A part of the process's memory that a device accesses: who holds it for the CPU waits meanwhile. */
export interface Claim {
  readonly piece: Piece;
  /** Lets it go: the device is done. Once is enough. */
  readonly end: () => void;
}

/**
 * Claims what `pieces` gives for an access of a device, all of it at once, when the CPU holds none of it in a way that forbids the access: to a
 * device, pages held for writing are nobody's to read, in whichever space. `pieces` is asked, and so rights are looked at, in the step in which it is claimed.
 * @throws what `pieces` throws; MirrorError `DEVICE_TIMEOUT`
 */
export async function claim(
  space: SpaceState,
  pieces: () => readonly Piece[],
  write: boolean,
  timeoutMs: number,
): Promise<Claim[]> {
  for (;;) {
    const parts = pieces();
    const held = parts.find((piece) => isHeld(space, piece, write));
    if (held === undefined) return parts.map((piece) => begin(space, piece, write));
    if (await space.store.changed.wait(timeoutMs)) continue;
    throw new MirrorError(
      'DEVICE_TIMEOUT',
      `an access of a device to ${hex(held.start)} waited ${timeoutMs} ms for a range that the CPU holds (a Held that was not released)`,
      { address: held.start },
    );
  }
}

function begin(space: SpaceState, piece: Piece, write: boolean): Claim {
  const { object, from, to } = inObject(space, piece);
  const done = object.uses.begin(from, to, write);
  const end = () => {
    done();
    space.store.announce();
  };
  return { piece, end };
}

function isHeld(space: SpaceState, piece: Piece, write: boolean): boolean {
  const { object, from, to } = inObject(space, piece);
  const bits = write ? PAGE_HELD : PAGE_HELD_WRITE;
  return object.cached(from, to).some((index) => space.store.any(object.lookup(index), bits));
}

function inObject({ pageSize }: SpaceState, { region, start, bytes }: Piece) {
  const from = region.objectPage + (start - region.start) / pageSize;
  return { object: region.object!, from, to: from + bytes / pageSize };
}
