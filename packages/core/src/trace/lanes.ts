/** A thread of a Chrome trace. */
export interface Lane {
  readonly tid: number;
  readonly name: string;
}

interface OpenLane extends Lane {
  /** Ends of the events that enclose the present moment, outermost first. */
  readonly ends: number[];
}

/**
 * Gives each event of one process a thread. On a thread, events with a duration must nest or follow each other; what would
 * overlap another in part goes to a further thread of the same name. Events must come by ascending start, longer first.
 */
export class Lanes {
  readonly all: Lane[] = [];
  private readonly tracks = new Map<string, OpenLane[]>();

  /** The thread of an event on `track` that lasts from `start` to `end` (the same for an instant), in microseconds. */
  place(track: string, start: number, end: number): number {
    let lanes = this.tracks.get(track);
    if (lanes === undefined) {
      lanes = [];
      this.tracks.set(track, lanes);
    }
    if (start === end) return (lanes[0] ?? this.open(track, lanes)).tid;
    for (const lane of lanes) {
      while ((lane.ends.at(-1) ?? Infinity) <= start) lane.ends.pop();
      const enclosing = lane.ends.at(-1);
      if (enclosing === undefined || end <= enclosing) {
        lane.ends.push(end);
        return lane.tid;
      }
    }
    const lane = this.open(track, lanes);
    lane.ends.push(end);
    return lane.tid;
  }

  private open(track: string, lanes: OpenLane[]): OpenLane {
    const name = lanes.length === 0 ? track : `${track} (${lanes.length + 1})`;
    const lane: OpenLane = { tid: this.all.length + 1, name, ends: [] };
    lanes.push(lane);
    this.all.push(lane);
    return lane;
  }
}
