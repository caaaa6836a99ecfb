/** Numbers of frames that nobody has, as runs in ascending order. The lowest that fit are given out. */
export class FrameNumbers {
  private readonly starts: number[];
  private readonly ends: number[];

  constructor(first: number, end: number) {
    this.starts = [first];
    this.ends = [end];
  }

  get bytes(): number {
    return 16 * this.starts.length;
  }

  /** Takes `count` numbers that follow each other, from a multiple of `unit` on. Returns the first; -1 when there is no such run. */
  take(count: number, unit = 1): number {
    for (let i = 0; i < this.starts.length; i++) {
      const start = this.starts[i]!;
      const end = this.ends[i]!;
      const first = Math.ceil(start / unit) * unit;
      if (end - first < count) continue;
      if (first > start) {
        this.ends[i] = first;
        if (first + count < end) {
          this.starts.splice(i + 1, 0, first + count);
          this.ends.splice(i + 1, 0, end);
        }
      } else if (first + count < end) this.starts[i] = first + count;
      else this.cut(i, 1);
      return first;
    }
    return -1;
  }

  /** Gives numbers back that were taken. */
  give(first: number, count: number): void {
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.starts[middle]! < first) low = middle + 1;
      else high = middle;
    }
    const joinsNext = this.starts[low] === first + count;
    if (low > 0 && this.ends[low - 1] === first) {
      this.ends[low - 1] = joinsNext ? this.ends[low]! : first + count;
      if (joinsNext) this.cut(low, 1);
    } else if (joinsNext) {
      this.starts[low] = first;
    } else {
      this.starts.splice(low, 0, first);
      this.ends.splice(low, 0, first + count);
    }
  }

  private cut(at: number, count: number): void {
    this.starts.splice(at, count);
    this.ends.splice(at, count);
  }
}
