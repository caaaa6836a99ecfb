const MAGIC = new TextEncoder().encode('MSTRACE1');
/** Bytes of the header of a page trace. */
export const PAGE_TRACE_HEADER_BYTES = 16;
/** Bytes of a record of a page trace. */
export const PAGE_TRACE_RECORD_BYTES = 8;
/** Most records of a page trace. */
export const PAGE_TRACE_MOST_RECORDS = 2 ** 32 - 1;
/** The largest actor that a record of a page trace can hold; 0 is the CPU. */
export const PAGE_TRACE_LAST_ACTOR = 127;
/** The largest launch index that a record of a page trace can hold. */
export const PAGE_TRACE_LAST_LAUNCH = 2 ** 24 - 1;

/** What the header of a page trace says. */
export interface PageTraceHeader {
  /** Bytes a page: a power of two from 512 bytes to 1 GiB. */
  readonly pageSize: number;
  /** How many records follow, 0 to 2^32 - 1. */
  readonly records: number;
}

/** Records of a page trace as parallel arrays. */
export interface PageRecords {
  /** Page numbers. */
  readonly pages: Uint32Array;
  /** Who accessed and how, as {@link pageTraceMeta} packs it. */
  readonly metas: Uint32Array;
}

/** Whether a number of bytes may be the page size of a trace: a power of two from 512 bytes to 1 GiB. */
export function isTracePageSize(bytes: number): boolean {
  return Number.isInteger(bytes) && bytes >= 512 && bytes <= 2 ** 30 && (bytes & (bytes - 1)) === 0;
}

/**
 * The header of a page trace, little-endian: `MSTRACE1`, the page size, the number of records.
 * @throws RangeError for a bad page size or number of records
 */
export function encodePageTraceHeader({ pageSize, records }: PageTraceHeader): Uint8Array<ArrayBuffer> {
  if (!isTracePageSize(pageSize))
    throw new RangeError(`pageSize must be a power of two from 512 to 2^30, got ${String(pageSize)}`);
  if (!Number.isInteger(records) || records < 0 || records > PAGE_TRACE_MOST_RECORDS)
    throw new RangeError(`records must be an integer from 0 to 2^32 - 1, got ${String(records)}`);
  const bytes = new Uint8Array(PAGE_TRACE_HEADER_BYTES);
  bytes.set(MAGIC);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, pageSize, true);
  view.setUint32(12, records, true);
  return bytes;
}

/**
 * Writes records `from` … `to - 1` to the beginning of `out`, eight bytes each; returns how many bytes that are.
 * @throws RangeError where `out` is too small
 */
export function encodePageRecords({ pages, metas }: PageRecords, from: number, to: number, out: DataView): number {
  let at = 0;
  for (let i = from; i < to; i++, at += PAGE_TRACE_RECORD_BYTES) {
    out.setUint32(at, pages[i]!, true);
    out.setUint32(at + 4, metas[i]!, true);
  }
  return at;
}

/**
 * What a record says beside its page: bit 0 a write, bits 1 to 7 the actor (0 is the CPU), bits 8 to 31 the index of the launch.
 * @throws RangeError when actor (0 to 127) or launch (0 to 2^24 - 1) do not fit
 */
export function pageTraceMeta(write: boolean, actor = 0, launch = 0): number {
  if (!Number.isInteger(actor) || actor < 0 || actor > PAGE_TRACE_LAST_ACTOR)
    throw new RangeError(`actor must be an integer from 0 to ${PAGE_TRACE_LAST_ACTOR}, got ${String(actor)}`);
  if (!Number.isInteger(launch) || launch < 0 || launch > PAGE_TRACE_LAST_LAUNCH)
    throw new RangeError(`launch must be an integer from 0 to ${PAGE_TRACE_LAST_LAUNCH}, got ${String(launch)}`);
  return ((launch << 8) | (actor << 1) | Number(write)) >>> 0;
}
