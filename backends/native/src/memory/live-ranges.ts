import type { TrackedRange } from '../tracking/tier.js';

/** The live ranges that are open, by frame. */
export class LiveRanges {
  private readonly ranges: TrackedRange[] = [];
  private last: TrackedRange | undefined;

  /** The range that has a frame. */
  at(frame: number): TrackedRange | undefined {
    const { last } = this;
    if (last !== undefined && frame >= last.first && frame < last.first + last.count) return last;
    const before = this.ranges[this.after(frame) - 1];
    if (before === undefined || frame >= before.first + before.count) return undefined;
    return (this.last = before);
  }

  /** The first frame behind `frame` that is the first of a range; Infinity when there is none. */
  next(frame: number): number {
    return this.ranges[this.after(frame)]?.first ?? Infinity;
  }

  add(range: TrackedRange): void {
    this.ranges.splice(this.after(range.first), 0, range);
  }

  remove(range: TrackedRange): void {
    this.ranges.splice(this.after(range.first) - 1, 1);
    this.last = undefined;
  }

  /** Index of the first range that begins behind `frame`. */
  private after(frame: number): number {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.ranges[middle]!.first <= frame) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
