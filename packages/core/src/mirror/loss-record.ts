import type { ByteRange, MirrorError } from '../driver/index.js';

/** What a mirror lost with its device. */
export interface MirrorLostInfo {
  /** What accesses fail with from now on: `DEVICE_LOST`, or `CLOSED` when the device was closed on purpose. */
  readonly error: MirrorError;
  /** Byte ranges whose only current copy was on the device, ascending and merged. Reading them fails until they are written whole or discarded. */
  readonly ranges: readonly ByteRange[];
}

/** Collects the ranges a mirror loses, and tells those who wait for the news. */
export class LossRecord {
  readonly lost: Promise<MirrorLostInfo>;
  /** Whether the device went while the mirror was attached: `lost` resolves soon, if it has not yet. */
  begun = false;
  private resolve!: (info: MirrorLostInfo) => void;
  private readonly starts: number[] = [];
  private bytes = 0;

  constructor() {
    this.lost = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  /** Adds one page. */
  add(start: number, bytes: number): void {
    this.starts.push(start);
    this.bytes = bytes;
  }

  /** Reports the loss. Later calls change nothing. */
  settle(error: MirrorError): void {
    this.resolve({ error, ranges: this.merged() });
  }

  private merged(): ByteRange[] {
    const ranges: { start: number; end: number }[] = [];
    for (const start of this.starts.sort((a, b) => a - b)) {
      const last = ranges[ranges.length - 1];
      if (last !== undefined && last.end >= start) last.end = start + this.bytes;
      else ranges.push({ start, end: start + this.bytes });
    }
    return ranges;
  }
}
