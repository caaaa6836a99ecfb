import {
  DenseBlocks,
  encodePageTraceHeader,
  PAGE_TRACE_MOST_RECORDS,
  PAGE_TRACE_RECORD_BYTES,
} from '../trace/index.js';

const CHUNK_BYTES = 2 ** 16;

/** What becomes of the records of a recording. */
export interface PageRecordingLimits {
  /** Most records, 1 to 2^32 - 1; what comes later is dropped and counted. */
  readonly limit: number;
  /** Gets the records, 64 KiB at a time and what is left when the recording ends; then nothing is kept. */
  readonly onChunk: ((bytes: Uint8Array) => void) | undefined;
}

/**
 * A page trace that is being recorded. Page numbers are made small: blocks of 2 MiB are numbered in the order in which they are first
 * touched, and pages keep their places in them.
 */
export interface PageRecording {
  /** Bytes a page. */
  readonly pageSize: number;
  /** Records so far. */
  readonly records: number;
  /** Records that did not fit any more. */
  readonly dropped: number;
  /** Whether it goes on. */
  readonly active: boolean;
  /** The header by what there is so far: goes in front of the chunks. */
  readonly header: Uint8Array;
  /** The whole trace, header first, to be written one after another. With `onChunk` there are no records in it. */
  chunks(): Iterable<Uint8Array>;
  /** Ends the recording and keeps what it has. Idempotent. */
  stop(): void;
}

/** A recording as its recorder sees it. */
export class RecordBuffer implements PageRecording {
  readonly pageSize: number;
  records = 0;
  dropped = 0;
  private readonly kept: Uint8Array[] = [];
  private readonly blocks: DenseBlocks;
  private readonly limits: PageRecordingLimits;
  private readonly ends: (() => void)[] = [];
  private chunk = new DataView(new ArrayBuffer(CHUNK_BYTES));
  private filled = 0;
  private ended = false;

  constructor(pageSize: number, limits: PageRecordingLimits) {
    this.pageSize = pageSize;
    this.limits = limits;
    this.blocks = new DenseBlocks(pageSize);
  }

  get active(): boolean {
    return !this.ended;
  }

  get header(): Uint8Array {
    return encodePageTraceHeader(this);
  }

  *chunks(): Generator<Uint8Array> {
    yield this.header;
    yield* this.kept;
    if (this.filled > 0) yield new Uint8Array(this.chunk.buffer, 0, this.filled);
  }

  stop(): void {
    if (this.ended) return;
    for (const end of this.ends) end();
    this.ended = true;
    if (this.filled > 0) this.handOver();
  }

  /** Has something done before the recording ends. */
  onStop(end: () => void): void {
    this.ends.push(end);
  }

  /** Adds a record of a page of the space. */
  add(page: number, meta: number): void {
    if (this.ended) return;
    const number = this.blocks.pageOf(page);
    if (number < 0 || this.records >= Math.min(this.limits.limit, PAGE_TRACE_MOST_RECORDS)) {
      this.dropped++;
      return;
    }
    this.chunk.setUint32(this.filled, number, true);
    this.chunk.setUint32(this.filled + 4, meta, true);
    this.filled += PAGE_TRACE_RECORD_BYTES;
    this.records++;
    if (this.filled === CHUNK_BYTES) this.handOver();
  }

  private handOver(): void {
    const bytes = new Uint8Array(this.chunk.buffer, 0, this.filled);
    // Before anybody gets it: whoever does may end the recording.
    this.chunk = new DataView(new ArrayBuffer(CHUNK_BYTES));
    this.filled = 0;
    const { onChunk } = this.limits;
    if (onChunk === undefined) {
      this.kept.push(bytes);
      return;
    }
    try {
      onChunk(bytes);
    } catch (error) {
      // It must not break what is recorded, which may be the service of faults.
      this.ended = true;
      for (const end of this.ends) end();
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
