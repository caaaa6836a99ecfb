import {
  isTracePageSize,
  PAGE_TRACE_HEADER_BYTES as HEADER_BYTES,
  PAGE_TRACE_RECORD_BYTES as RECORD_BYTES,
  type PageTraceHeader,
} from '@mirrorspace/core';
import { type TraceChunk, TraceError } from './page-trace.js';

const MAGIC = new TextEncoder().encode('MSTRACE1');
const CHUNK_RECORDS = 8192;

/**
 * Reads the header.
 * @throws TraceError `TRUNCATED`, `BAD_MAGIC`, `BAD_PAGE_SIZE`
 */
export function decodeHeader(bytes: Uint8Array, trace: string): PageTraceHeader {
  for (let i = 0; i < Math.min(MAGIC.length, bytes.length); i++) {
    if (bytes[i] !== MAGIC[i]) throw new TraceError('BAD_MAGIC', trace, i, 'a page trace begins with MSTRACE1');
  }
  if (bytes.length < HEADER_BYTES)
    throw new TraceError('TRUNCATED', trace, bytes.length, `the header has ${HEADER_BYTES} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const pageSize = view.getUint32(8, true);
  if (!isTracePageSize(pageSize))
    throw new TraceError('BAD_PAGE_SIZE', trace, 8, `${pageSize} bytes are no power of two from 512 to 2^30`);
  return { pageSize, records: view.getUint32(12, true) };
}

/**
 * Reads a whole trace from its bytes, in portions of any size.
 * @throws TraceError as {@link decodeHeader}, and `TRUNCATED` or `TRAILING_BYTES` where the number of records is wrong
 */
export async function* decodeTrace(source: AsyncIterable<Uint8Array>, trace: string): AsyncGenerator<TraceChunk> {
  const pages = new Uint32Array(CHUNK_RECORDS);
  const metas = new Uint32Array(CHUNK_RECORDS);
  let header: PageTraceHeader | undefined;
  /** Bytes of what a portion ended within: a header or a record. */
  let rest: Uint8Array = new Uint8Array(0);
  let offset = 0;
  let left = 0;
  for await (const portion of source) {
    let bytes = portion;
    if (rest.length > 0) {
      bytes = new Uint8Array(rest.length + portion.length);
      bytes.set(rest);
      bytes.set(portion, rest.length);
    }
    let at = 0;
    if (header === undefined) {
      if (bytes.length < HEADER_BYTES) {
        rest = bytes.slice();
        continue;
      }
      header = decodeHeader(bytes, trace);
      left = header.records;
      at = HEADER_BYTES;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    while (left > 0 && bytes.length - at >= RECORD_BYTES) {
      const count = Math.min(left, CHUNK_RECORDS, Math.floor((bytes.length - at) / RECORD_BYTES));
      for (let i = 0; i < count; i++, at += RECORD_BYTES) {
        pages[i] = view.getUint32(at, true);
        metas[i] = view.getUint32(at + 4, true);
      }
      left -= count;
      yield { pages, metas, count };
    }
    if (left === 0 && at < bytes.length)
      throw new TraceError('TRAILING_BYTES', trace, offset + at, `something follows ${header.records} records`);
    offset += at;
    rest = bytes.slice(at);
  }
  if (header === undefined) header = decodeHeader(rest, trace);
  if (left > 0) {
    const end = offset + rest.length;
    throw new TraceError('TRUNCATED', trace, end, `${left} of ${header.records} records are missing`);
  }
}
