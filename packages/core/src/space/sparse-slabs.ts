/** A piece of storage and the granules that still use it. */
export interface Slab {
  /** Bytes of the piece. */
  readonly bytes: number;
  readonly granules: number[];
  /** Frames in use in them. */
  live: number;
}

/**
 * Which pieces of storage to empty: those that cost the fewest moves a byte, as long as what is in them fits into the rest. All of a
 * piece must be emptied to give any of it back.
 */
export function sparseSlabs(slabs: readonly Slab[], framesPerGranule: number): Slab[] {
  let room = 0;
  for (const { granules, live } of slabs) room += granules.length * framesPerGranule - live;
  const chosen: Slab[] = [];
  for (const slab of [...slabs].sort((a, b) => a.live / a.bytes - b.live / b.bytes)) {
    // What is in it moves, and the room in it is lost.
    const frames = slab.granules.length * framesPerGranule;
    if (frames > room) continue;
    room -= frames;
    chosen.push(slab);
  }
  return chosen;
}
