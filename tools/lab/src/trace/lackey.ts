import { bytesOf } from './file.js';
import { DenseBlocks, isTracePageSize, pageTraceMeta } from '@mirrorspace/core';
import { type Line, lineBatches, textOf } from './lines.js';
import { type PageTrace, type TraceChunk, TraceError } from './page-trace.js';
import { RecordBuffer } from './record-buffer.js';

const SPACE = 0x20;
const COMMA = 0x2c;
const EQUALS = 0x3d;
const MINUS = 0x2d;
const [LOAD, STORE, MODIFY, INSTRUCTION] = [0x4c, 0x53, 0x4d, 0x49];

/** How lackey's addresses become records. */
export interface LackeyOptions {
  /** Bytes a page. Default 4096. */
  readonly pageSize?: number;
  /** Whether fetches of instructions count. Default false. */
  readonly instructions?: boolean;
  /**
   * Places, a power of two, of a cache of pages that were accessed just now, each with one place by its number: an access to a page that is there is no record,
   * unless it is the first store. As a TLB would have it. Default 0: only accesses one after another to the same page are one record.
   */
  readonly filter?: number;
}

/**
 * What `valgrind --tool=lackey --trace-mem=yes` prints: lines of ` L address,size` for loads, ` S` for stores, ` M` for both at
 * once, `I ` for instructions, addresses in hexadecimal. Valgrind's own lines (`==pid==`) are passed over. An access over several pages is one record
 * each; accesses one after another to the same page and of the same kind are one record. Page numbers are made small block by block.
 * @throws RangeError for a bad page size
 */
export function lackeyTrace(path: string, options: LackeyOptions = {}): PageTrace {
  const { pageSize = 4096 } = options;
  if (!isTracePageSize(pageSize))
    throw new RangeError(`pageSize must be a power of two from 512 to 2^30, got ${pageSize}`);
  return { name: path, pageSize, records: undefined, chunks: () => readLackey(bytesOf(path), path, options) };
}

/**
 * Reads what lackey prints, from wherever it comes.
 * @throws TraceError `BAD_LINE`, `TOO_LARGE`
 */
export async function* readLackey(
  source: AsyncIterable<Uint8Array>,
  path: string,
  { pageSize = 4096, instructions = false, filter = 0 }: LackeyOptions = {},
): AsyncGenerator<TraceChunk> {
  const recent = new Float64Array(filter).fill(-1);
  const places = filter - 1;
  const blocks = new DenseBlocks(pageSize);
  const records = new RecordBuffer();
  const [load, store] = [pageTraceMeta(false), pageTraceMeta(true)];
  let lastPage = -1;
  let lastMeta = -1;
  const take = (line: Line) => {
    const kind = kindOf(line);
    if (kind === 0) return;
    const { address, size } = rangeOf(line, path);
    if (kind === INSTRUCTION && !instructions) return;
    const meta = kind === STORE || kind === MODIFY ? store : load;
    const end = Math.floor((address + Math.max(1, size) - 1) / pageSize);
    for (let number = Math.floor(address / pageSize); number <= end; number++) {
      const page = blocks.pageOf(number);
      if (page < 0) throw new TraceError('TOO_LARGE', path, line.offset, 'more pages than 32 bits can number');
      if (page === lastPage && meta === lastMeta) continue;
      if (filter > 0) {
        // A page that was stored to counts as loaded, too.
        const known = recent[page & places]!;
        if (known === 2 * page + 1 || known === 2 * page + meta) continue;
        recent[page & places] = 2 * page + meta;
      }
      lastPage = page;
      lastMeta = meta;
      records.push(page, meta);
    }
  };
  for await (const _ of lineBatches(source, path, take)) {
    if (records.count === 0) continue;
    yield records;
    records.count = 0;
  }
}

/** The letter of a record, or 0 for a line that is none and means nothing. */
function kindOf({ bytes, from, to }: Line): number {
  if (to === from) return 0;
  const first = bytes[from]!;
  if ((first === EQUALS || first === MINUS) && bytes[from + 1] === first) return 0;
  return first === SPACE ? bytes[from + 1]! : first;
}

/** The bytes that a record names. */
function rangeOf(line: Line, path: string): { address: number; size: number } {
  const { bytes, from, to } = line;
  const kind = kindOf(line);
  const bad = (what: string): TraceError =>
    new TraceError('BAD_LINE', path, line.offset, `${what} in ${textOf(line)}; lackey prints " L 1ffeff,8"`);
  if (kind !== LOAD && kind !== STORE && kind !== MODIFY && kind !== INSTRUCTION) throw bad('no L, S, M or I');
  let at = from + (bytes[from] === SPACE ? 2 : 1);
  while (at < to && bytes[at] === SPACE) at++;
  const start = at;
  let address = 0;
  for (let digit = hexOf(bytes[at]); at < to && digit >= 0; digit = hexOf(bytes[++at])) address = address * 16 + digit;
  if (at === start || !Number.isSafeInteger(address)) throw bad('no address');
  if (bytes[at++] !== COMMA || at >= to) throw bad('no size');
  let size = 0;
  for (; at < to; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9 || size > 2 ** 20) throw bad('no size');
    size = size * 10 + digit;
  }
  return { address, size };
}

function hexOf(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
