import { FrameBits } from './frame-bits.js';
import type { FrameFile } from './frame-file.js';
import type { FrameNumbers } from './frame-numbers.js';
import { GiveBack } from './give-back.js';

const GRANULE_BYTES = 1 << 20;
/** Bytes of granules without frames in use that are kept for the next ones. */
const SPARE_BYTES = 16 << 20;
/** Most partial granules that are searched for frames side by side. */
const LOOKED_AT = 16;

/** A granule's numbers are ours. */
const OWNED = 1;
/** A granule is on the partial list, perhaps although it is full or no longer ours. */
const LISTED = 2;

/**
 * Frames that are reached by holds only. Their numbers come in granules of 1 MiB (or one frame, if larger), which go back when no
 * frame of theirs is in use.
 */
export class FramePool {
  /** Frames in use. */
  readonly taken = new FrameBits();
  private readonly soiled = new FrameBits();
  private readonly giveBack: GiveBack;
  private readonly perGranule: number;
  private readonly shift: number;
  /** Frames in use, by granule. */
  private live = new Uint16Array(64);
  /** OWNED, LISTED, by granule. */
  private state = new Uint8Array(64);
  /** Granules of ours that have no frame in use. */
  private spare = 0;
  /** Granules with frames to give out. */
  private readonly partial: number[] = [];

  constructor(
    private readonly file: FrameFile,
    private readonly numbers: FrameNumbers,
  ) {
    this.perGranule = Math.max(1, GRANULE_BYTES / file.pageSize);
    this.shift = Math.log2(this.perGranule);
    this.giveBack = new GiveBack(file, this.taken, this.soiled);
  }

  get bytes(): number {
    const granules = this.live.byteLength + this.state.byteLength + 8 * this.partial.length;
    return this.taken.bytes + this.soiled.bytes + this.giveBack.bytes + granules;
  }

  /** Takes frames with consecutive numbers. Returns the first; -1 when no numbers are left. */
  allocate(count: number): number {
    const first = count === 1 ? this.allocateOne() : this.allocateRun(count);
    if (first >= 0) this.take(first, count);
    return first;
  }

  free(frame: number): void {
    const granule = frame >>> this.shift;
    this.taken.clear(frame);
    this.soiled.set(frame);
    this.giveBack.add(frame);
    if (--this.live[granule]! === 0) {
      if (this.spare * this.perGranule * this.file.pageSize >= SPARE_BYTES) {
        this.giveGranule(granule);
        return;
      }
      this.spare++;
    }
    this.list(granule);
  }

  /** Whether the bytes of a frame may be others than zeros although nobody wrote them since it was allocated. */
  mayBeSoiled(frame: number): boolean {
    return this.soiled.has(frame);
  }

  /** A frame was made zeros. */
  cleaned(frame: number): void {
    this.soiled.clear(frame);
  }

  /** Gives the memory of free frames back now. */
  flush(): void {
    this.giveBack.flush();
  }

  private take(first: number, count: number): void {
    this.taken.setRange(first, count);
    for (let granule = first >>> this.shift; granule <= (first + count - 1) >>> this.shift; granule++) {
      const start = Math.max(first, granule << this.shift);
      const end = Math.min(first + count, (granule + 1) << this.shift);
      if (this.live[granule] === 0) this.spare--;
      this.live[granule]! += end - start;
      if (this.live[granule]! < this.perGranule) this.list(granule);
    }
  }

  private allocateOne(): number {
    while (this.partial.length > 0) {
      const granule = this.partial[this.partial.length - 1]!;
      if (this.hasRoom(granule, 1)) return this.freeIn(granule);
      this.partial.pop();
      this.state[granule]! &= ~LISTED;
    }
    return this.addGranules(1);
  }

  /** The first frame of a granule that is not in use. */
  private freeIn(granule: number): number {
    let frame = granule << this.shift;
    while (this.taken.has(frame)) frame++;
    return frame;
  }

  private allocateRun(count: number): number {
    if (count < this.perGranule) {
      for (let i = this.partial.length - 1; i >= Math.max(0, this.partial.length - LOOKED_AT); i--) {
        const first = this.runIn(this.partial[i]!, count);
        if (first >= 0) return first;
      }
    }
    return this.addGranules(Math.ceil(count / this.perGranule));
  }

  private runIn(granule: number, count: number): number {
    if (!this.hasRoom(granule, count)) return -1;
    let run = 0;
    for (let frame = granule << this.shift; frame < (granule + 1) << this.shift; frame++) {
      run = this.taken.has(frame) ? 0 : run + 1;
      if (run === count) return frame + 1 - count;
    }
    return -1;
  }

  private hasRoom(granule: number, count: number): boolean {
    return (this.state[granule]! & OWNED) !== 0 && this.perGranule - this.live[granule]! >= count;
  }

  private addGranules(count: number): number {
    const first = this.numbers.take(count << this.shift, this.perGranule);
    if (first < 0) return -1;
    try {
      this.file.reach(first + (count << this.shift));
    } catch (error) {
      this.numbers.give(first, count << this.shift);
      throw error;
    }
    const start = first >>> this.shift;
    if (start + count > this.live.length) {
      const capacity = Math.max(start + count, Math.ceil(this.live.length * 1.5));
      this.live = grown(this.live, new Uint16Array(capacity));
      this.state = grown(this.state, new Uint8Array(capacity));
    }
    for (let granule = start; granule < start + count; granule++) this.state[granule]! |= OWNED;
    this.spare += count;
    return first;
  }

  /** Gives the numbers of a granule back, and its memory: they may become those of a live range, which begins as zeros. */
  private giveGranule(granule: number): void {
    const first = granule << this.shift;
    this.state[granule]! &= ~OWNED;
    this.file.punch(first, this.perGranule);
    this.soiled.clearRange(first, this.perGranule);
    this.numbers.give(first, this.perGranule);
  }

  private list(granule: number): void {
    if ((this.state[granule]! & LISTED) !== 0) return;
    this.state[granule]! |= LISTED;
    this.partial.push(granule);
  }
}

function grown<T extends Uint8Array | Uint16Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
