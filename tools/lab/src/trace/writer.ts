import {
  encodePageRecords,
  encodePageTraceHeader,
  isTracePageSize,
  PAGE_TRACE_HEADER_BYTES as HEADER_BYTES,
  PAGE_TRACE_MOST_RECORDS as MOST_RECORDS,
  PAGE_TRACE_RECORD_BYTES as RECORD_BYTES,
} from '@mirrorspace/core';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { crc32, createGzip, type Gzip } from 'node:zlib';
import { type TraceChunk, TraceError } from './page-trace.js';

const PORTION_RECORDS = 8192;

/** How a trace is written. */
export interface WriterOptions {
  /** Bytes a page. */
  readonly pageSize: number;
  /** Whether to compress. Default: whether the path ends in `.gz`. */
  readonly gzip?: boolean;
}

/**
 * Writes an MSTRACE1 file, record by record, in bounded memory. The file appears under its name when it is whole; until
 * `close`, it is `<path>.part`.
 */
export class PageTraceWriter {
  /** Records so far. */
  records = 0;
  private readonly path: string;
  private readonly pageSize: number;
  private readonly file: FileHandle;
  private readonly gzip: Gzip | undefined;
  private readonly piped: Promise<void> | undefined;
  private readonly portion = Buffer.alloc(PORTION_RECORDS * RECORD_BYTES);

  private constructor(path: string, file: FileHandle, options: WriterOptions) {
    this.path = path;
    this.file = file;
    this.pageSize = options.pageSize;
    if (options.gzip ?? path.endsWith('.gz')) {
      this.gzip = createGzip();
      this.piped = this.pipe(this.gzip);
      // Heard of in `append` or `close`.
      this.piped.catch(() => undefined);
    }
  }

  /**
   * Begins a file.
   * @throws RangeError for a bad page size; what the file system says
   */
  static async create(path: string, options: WriterOptions): Promise<PageTraceWriter> {
    if (!isTracePageSize(options.pageSize))
      throw new RangeError(`pageSize must be a power of two from 512 to 2^30, got ${options.pageSize}`);
    const file = await open(`${path}.part`, 'w');
    const writer = new PageTraceWriter(path, file, options);
    await writeAll(file, writer.header());
    return writer;
  }

  /**
   * Adds the records of a chunk.
   * @throws TraceError `TOO_LARGE` beyond 2^32 - 1 records; what the file system says
   */
  async append(chunk: TraceChunk): Promise<void> {
    const offset = HEADER_BYTES + this.records * RECORD_BYTES;
    if (this.records + chunk.count > MOST_RECORDS)
      throw new TraceError('TOO_LARGE', this.path, offset, 'a trace has 2^32 - 1 records at most');
    const { buffer, byteOffset, length } = this.portion;
    const view = new DataView(buffer, byteOffset, length);
    for (let from = 0; from < chunk.count; from += PORTION_RECORDS) {
      const bytes = encodePageRecords(chunk, from, Math.min(chunk.count, from + PORTION_RECORDS), view);
      await this.write(this.portion.subarray(0, bytes));
    }
    this.records += chunk.count;
  }

  /** Fills in the number of records and gives the file its name. */
  async close(): Promise<void> {
    if (this.gzip !== undefined) {
      this.gzip.end();
      await this.piped;
    }
    await writeAll(this.file, this.header(), 0);
    await this.file.close();
    await rename(`${this.path}.part`, this.path);
  }

  /** Gives up: no file is left. */
  async abort(): Promise<void> {
    this.gzip?.destroy();
    await this.piped?.catch(() => undefined);
    await this.file.close();
    await rm(`${this.path}.part`, { force: true });
  }

  private header(): Uint8Array {
    const bytes = encodePageTraceHeader({ pageSize: this.pageSize, records: this.records });
    return this.gzip === undefined ? bytes : storedMember(bytes);
  }

  private async write(bytes: Buffer): Promise<void> {
    if (this.gzip === undefined) {
      await writeAll(this.file, bytes);
      return;
    }
    // The stream keeps what it is given until it has compressed it.
    if (this.gzip.write(Buffer.from(bytes))) return;
    const drained = new Promise<void>((resolve) => this.gzip!.once('drain', resolve));
    await Promise.race([drained, this.piped]);
  }

  private async pipe(gzip: Gzip): Promise<void> {
    for await (const bytes of gzip as AsyncIterable<Buffer>) await writeAll(this.file, bytes);
    await finished(gzip);
  }
}

/** Writes all of a trace's chunks. Returns how many records that are; where it fails, no file is left. */
export async function writeTrace(
  path: string,
  options: WriterOptions,
  chunks: AsyncIterable<TraceChunk>,
): Promise<number> {
  const writer = await PageTraceWriter.create(path, options);
  try {
    for await (const chunk of chunks) await writer.append(chunk);
    await writer.close();
  } catch (error) {
    await writer.abort().catch(() => undefined);
    throw error;
  }
  return writer.records;
}

/** Writes all bytes, at `position` or behind what was written last: one write may take fewer than it is given. */
export async function writeAll(file: Pick<FileHandle, 'write'>, bytes: Uint8Array, position?: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await file.write(
      bytes,
      at,
      bytes.length - at,
      position === undefined ? null : position + at,
    );
    if (bytesWritten === 0) throw new Error(`${bytes.length - at} bytes could not be written`);
    at += bytesWritten;
  }
}

/** Bytes as a gzip member of one stored block: as long whatever they are, so it can be written over in place (RFC 1951, 3.2.4; RFC 1952). */
function storedMember(bytes: Uint8Array): Uint8Array {
  const head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
  const member = Buffer.alloc(head.length + 4 + bytes.length + 8);
  member.set(head);
  let at = member.writeUInt16LE(bytes.length, head.length);
  at = member.writeUInt16LE(~bytes.length & 0xffff, at);
  member.set(bytes, at);
  at = member.writeUInt32LE(crc32(bytes), at + bytes.length);
  member.writeUInt32LE(bytes.length, at);
  return member;
}
