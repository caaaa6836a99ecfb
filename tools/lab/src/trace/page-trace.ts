import { PAGE_TRACE_LAST_ACTOR } from '@mirrorspace/core';

/** Some records, in order. Reused: valid until the next ones are asked for. */
export interface TraceChunk {
  /** Page numbers. */
  readonly pages: Uint32Array;
  /** Who accessed and how; see `pageTraceMeta` of core. */
  readonly metas: Uint32Array;
  /** How many elements of both count. */
  readonly count: number;
}

/** Accesses to pages, in order. */
export interface PageTrace {
  /** Where it comes from: the file. */
  readonly name: string;
  /** Bytes a page. */
  readonly pageSize: number;
  /** How many records there are, where that is known before reading. */
  readonly records: number | undefined;
  /** Reads all records from the first on; may be called again. Throws {@link TraceError} where it cannot go on. */
  chunks(): AsyncIterable<TraceChunk>;
}

/**
 * Why a trace was refused.
 *
 * - `BAD_MAGIC` no trace of a known kind
 * - `BAD_PAGE_SIZE` the page size is no power of two from 512 bytes to 1 GiB
 * - `BAD_COMPRESSION` damaged or truncated gzip data
 * - `BAD_LINE` a line of text that is no record
 * - `TRUNCATED` fewer records than announced
 * - `TRAILING_BYTES` something follows the last record
 * - `TOO_LARGE` more pages or records than 32 bits can number
 */
export type TraceErrorCode =
  'BAD_MAGIC' | 'BAD_PAGE_SIZE' | 'BAD_COMPRESSION' | 'BAD_LINE' | 'TRUNCATED' | 'TRAILING_BYTES' | 'TOO_LARGE';

/** A trace that cannot be read. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
  readonly code: TraceErrorCode;
  /** Where: bytes from the beginning of the trace, counted after decompression. */
  readonly offset: number;

  constructor(code: TraceErrorCode, trace: string, offset: number, message: string, options?: ErrorOptions) {
    super(`${trace}: ${message} (byte ${offset})`, options);
    this.code = code;
    this.offset = offset;
  }
}

/** Whether a record is a write. */
export const isWrite = (meta: number): boolean => (meta & 1) !== 0;
/** Who accessed: 0 is the CPU. */
export const actorOf = (meta: number): number => (meta >>> 1) & PAGE_TRACE_LAST_ACTOR;
/** The index of the launch. */
export const launchOf = (meta: number): number => meta >>> 8;
