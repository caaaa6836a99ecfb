import { IdList, type PageTracker } from '@mirrorspace/core';
import { FrameBits } from '../memory/frame-bits.js';
import type { LiveNumbers } from '../memory/live-numbers.js';
import type { LiveRanges } from '../memory/live-ranges.js';
import type { Tier } from './tier.js';

/**
 * Who wrote what: holds for writing are noted, and what plain stores wrote a {@link Tier} finds out. What is known of live frames is kept by their
 * places.
 */
export class NativeTracker implements PageTracker {
  private readonly noted = new FrameBits();
  /** Written by plain stores, found while somebody asked about them only. */
  private readonly seen = new FrameBits();
  private seenCount = 0;
  /** Places that were found written, as the tiers report them. */
  private readonly found = new IdList();
  private readonly plain = new IdList();

  constructor(
    private readonly tier: Tier,
    private readonly ranges: LiveRanges,
    private readonly numbers: LiveNumbers,
  ) {}

  get mechanism(): string {
    return this.tier.mechanism;
  }

  get bytes(): number {
    return (
      this.noted.bytes + this.seen.bytes + this.tier.bytes + this.found.items.byteLength + this.plain.items.byteLength
    );
  }

  note(first: number, count: number): void {
    for (let from = first; from < first + count;) {
      const together = this.numbers.together(from, first + count - from);
      this.noted.setRange(this.keptAt(from), together);
      from += together;
    }
  }

  written(frame: number): boolean {
    const at = this.keptAt(frame);
    if (this.noted.has(at) || this.seen.has(at)) return true;
    this.look(at, 1);
    return this.seen.has(at);
  }

  collect(frames: IdList, out: IdList): number {
    const before = out.length;
    for (let i = 0; i < frames.length;) {
      const first = frames.items[i]!;
      let count = 1;
      while (i + count < frames.length && frames.items[i + count] === first + count) count++;
      count = this.numbers.together(first, count);
      const at = this.keptAt(first);
      this.look(at, count);
      for (let k = 0; k < count; k++) {
        if (this.noted.has(at + k) || this.seen.has(at + k)) out.push(first + k);
        this.noted.clear(at + k);
        this.unsee(at + k);
      }
      i += count;
    }
    return out.length - before;
  }

  /** What plain stores wrote only. */
  collectPlain(first: number, count: number, out: IdList): number {
    const before = out.length;
    const { plain } = this;
    for (let from = first; from < first + count;) {
      const together = this.numbers.together(from, first + count - from);
      const at = this.keptAt(from);
      if (this.seenCount > 0) {
        this.look(at, together);
        for (let k = 0; k < together; k++) if (this.unsee(at + k)) out.push(from + k);
      } else {
        plain.clear();
        this.ask(at, together, plain);
        for (let k = 0; k < plain.length; k++) out.push(plain.items[k]! - at + from);
      }
      from += together;
    }
    return out.length - before;
  }

  /** Frames (not live ones), or places, are about to become zeros, or to go. */
  forget(first: number, count: number): void {
    this.noted.clearRange(first, count);
    if (this.seenCount > 0) this.seenCount -= this.seen.clearRange(first, count);
  }

  /** The number by which something is known of a frame or place. */
  private keptAt(frame: number): number {
    const place = this.numbers.placeOf(frame);
    return place < 0 ? frame : place;
  }

  /** Notes what plain stores wrote. */
  private look(first: number, count: number): void {
    const { found } = this;
    found.clear();
    this.ask(first, count, found);
    for (let i = 0; i < found.length; i++) {
      const frame = found.items[i]!;
      if (this.seen.has(frame)) continue;
      this.seen.set(frame);
      this.seenCount++;
    }
  }

  private unsee(frame: number): boolean {
    if (!this.seen.has(frame)) return false;
    this.seen.clear(frame);
    this.seenCount--;
    return true;
  }

  /** Asks the tier, range by range; frames in none were never stored to plainly. */
  private ask(first: number, count: number, out: IdList): void {
    for (let frame = first; frame < first + count;) {
      const range = this.ranges.at(frame);
      if (range === undefined) {
        frame = Math.min(first + count, this.ranges.next(frame));
        continue;
      }
      const end = Math.min(first + count, range.first + range.count);
      this.tier.collect(range, frame, end - frame, out);
      frame = end;
    }
  }
}
