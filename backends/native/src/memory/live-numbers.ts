import { LIVE_BLOCK } from '@mirrorspace/core';
import type { TrackedRange } from '../tracking/tier.js';
import type { FrameNumbers } from './frame-numbers.js';
import type { LiveRanges } from './live-ranges.js';

/** The first place: numbers below are those of frames. */
export const FIRST_PLACE = 2 ** 30;
export const PLACES_END = 2 ** 31;

const SHIFT = Math.log2(LIVE_BLOCK);
const MASK = LIVE_BLOCK - 1;
/** Ranges of up to so many pages get numbers for all of them at once, which lie together; larger ones a block at a time. */
const TOGETHER = 2 ** 18;

/** Which blocks of frame numbers a range has, by block of places; `undefined` as long as it has none. */
interface Numbered {
  first: number | undefined;
  readonly blocks: Map<number, number>;
}

/**
 * Which frame is at which place. What core and devices know of frames are arrays by number, so live ranges of terabytes must not use numbers up where
 * nothing is: a place gets the number of a frame with its block, when one of the block is taken.
 */
export class LiveNumbers {
  /** First place of each block of frame numbers; 0 for those that are no live range's. */
  private places = new Uint32Array(16);
  private readonly numbered = new Map<TrackedRange, Numbered>();

  constructor(
    private readonly numbers: FrameNumbers,
    private readonly ranges: LiveRanges,
  ) {}

  get bytes(): number {
    let blocks = 0;
    for (const range of this.numbered.values()) blocks += range.blocks.size;
    return this.places.byteLength + 40 * blocks;
  }

  /** A range was opened. */
  begin(range: TrackedRange): void {
    this.numbered.set(range, { first: undefined, blocks: new Map() });
  }

  /** A range goes: its numbers are given back. */
  end(range: TrackedRange): void {
    const { first, blocks } = this.numbered.get(range)!;
    this.numbered.delete(range);
    if (first !== undefined) this.give(first, this.lengthOf(range));
    for (const block of blocks.values()) this.give(block, LIVE_BLOCK);
  }

  /** The place that a number stands for: of a frame, or itself; -1 for frames that are not live. */
  placeOf(number: number): number {
    if (number >= FIRST_PLACE) return number;
    const first = this.places[number >>> SHIFT];
    return first === undefined || first === 0 ? -1 : first + (number & MASK);
  }

  /** How many of `count` numbers from `first` on stand for places, or for frames that are not live, side by side. */
  together(first: number, count: number): number {
    if (first >= FIRST_PLACE) return count;
    const place = this.placeOf(first);
    let length = Math.min(count, LIVE_BLOCK - (first & MASK));
    while (length < count && this.placeOf(first + length) === (place < 0 ? -1 : place + length)) length += LIVE_BLOCK;
    return Math.min(length, count);
  }

  /** The frame at a place; -1 where it has none. */
  frameOf(place: number): number {
    const range = this.ranges.at(place);
    const numbered = range && this.numbered.get(range);
    if (range === undefined || numbered === undefined) return -1;
    if (numbered.first !== undefined) return numbered.first + place - range.first;
    const block = numbered.blocks.get(place >>> SHIFT);
    return block === undefined ? -1 : block + (place & MASK);
  }

  /** The frame at a place, which gets one if it has none; -1 when no numbers are left. */
  ensure(range: TrackedRange, place: number): number {
    const found = this.frameOf(place);
    if (found >= 0) return found;
    const numbered = this.numbered.get(range)!;
    const isSmall = range.count <= TOGETHER;
    const length = isSmall ? this.lengthOf(range) : LIVE_BLOCK;
    const first = this.numbers.take(length, LIVE_BLOCK);
    if (first < 0) return -1;
    const from = isSmall ? range.first : place - (place & MASK);
    if (isSmall) numbered.first = first;
    else numbered.blocks.set(place >>> SHIFT, first);
    this.note(first, length, from);
    return first + place - from;
  }

  private lengthOf(range: TrackedRange): number {
    return Math.ceil(range.count / LIVE_BLOCK) * LIVE_BLOCK;
  }

  private note(first: number, length: number, place: number): void {
    const end = (first + length) >>> SHIFT;
    if (end > this.places.length) {
      const places = new Uint32Array(Math.max(end, Math.ceil(this.places.length * 1.5)));
      places.set(this.places);
      this.places = places;
    }
    for (let block = first >>> SHIFT; block < end; block++) this.places[block] = place + (block << SHIFT) - first;
  }

  private give(first: number, length: number): void {
    this.places.fill(0, first >>> SHIFT, (first + length) >>> SHIFT);
    this.numbers.give(first, length);
  }
}
