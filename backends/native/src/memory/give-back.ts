import type { FrameBits } from './frame-bits.js';
import type { FrameFile } from './frame-file.js';

/** Bytes of free frames that are kept until the system gets them back. */
const KEPT_BYTES = 16 << 20;

/**
 * Frames that were freed and keep their memory for a while: giving it back costs a system call, and the next who allocates may want it.
 * When many have come together, neighbours go back in one call.
 */
export class GiveBack {
  private readonly frames: Uint32Array;
  private length = 0;

  /**
   * @param taken - Frames in use.
   * @param soiled - Frames whose memory may hold old bytes.
   */
  constructor(
    private readonly file: FrameFile,
    private readonly taken: FrameBits,
    private readonly soiled: FrameBits,
  ) {
    this.frames = new Uint32Array(Math.max(1, KEPT_BYTES / file.pageSize));
  }

  get bytes(): number {
    return this.frames.byteLength;
  }

  /** A frame was freed. */
  add(frame: number): void {
    this.frames[this.length++] = frame;
    if (this.length === this.frames.length) this.flush();
  }

  /** Gives back what is free still. */
  flush(): void {
    const { frames, taken, soiled } = this;
    const waiting = frames.subarray(0, this.length).sort();
    for (let i = 0; i < waiting.length;) {
      const first = waiting[i++]!;
      if (taken.has(first) || !soiled.has(first)) continue;
      soiled.clear(first);
      let end = first + 1;
      for (; i < waiting.length && waiting[i]! <= end; i++) {
        if (waiting[i]! < end) continue;
        if (taken.has(end) || !soiled.has(end)) break;
        soiled.clear(end++);
      }
      this.file.punch(first, end - first);
    }
    this.length = 0;
  }
}
