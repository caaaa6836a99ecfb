/** What a lane waits for. */
export const WAITING = { nothing: 0, acknowledgements: 1, units: 2, replay: 3 } as const;

/** A lane as the engine's thread sees it: where it is in the segment that it was sent. */
export class EngineLane {
  /** Segments that it has ended. */
  ended = 0;
  /** Byte of the command that is under way or next; 0 between segments. */
  at = 0;
  /** Number of that command in the segment. */
  index = 0;
  waiting: number = WAITING.nothing;
  /** The MMU of what is under way. */
  mmu = 0;
  /** What units have to acknowledge. */
  epoch = 0;
  /** Leaves to free then. */
  detached: readonly number[] = [];
  /** Bytes of a plain access that are done. */
  done = 0;

  constructor(
    readonly id: number,
    readonly rank: number,
  ) {}
}
