import { bytesOf } from './file.js';
import { isTracePageSize, pageTraceMeta } from '@mirrorspace/core';
import { type Line, lineBatches, textOf } from './lines.js';
import { type PageTrace, type TraceChunk, TraceError } from './page-trace.js';
import { RecordBuffer } from './record-buffer.js';

/** How the columns of a CSV file become records; libCacheSim names them the same, counted from 1. */
export interface CsvOptions {
  /** Column of the object's id. Default 2, after the time. */
  readonly idColumn?: number;
  /** Column that says what was done; what begins with w or s (write, set, store) is a write. Default: none, all are reads. */
  readonly operationColumn?: number;
  /** One character between columns. Default a comma. */
  readonly delimiter?: string;
  /** Whether the first line is a title. Default: if it begins with # or its first column is no number. */
  readonly header?: boolean;
  /** Whether ids are page numbers, below 2^32. Default false: ids are any text, numbered in the order in which they come up. */
  readonly numeric?: boolean;
  /** Bytes that one object takes. Default 4096. */
  readonly pageSize?: number;
}

/**
 * The CSV of libCacheSim: a line a request, with columns for time, id of the object and more. All objects count as one page.
 * @throws RangeError for bad options
 */
export function csvTrace(path: string, options: CsvOptions = {}): PageTrace {
  const { idColumn = 2, operationColumn, delimiter = ',', numeric = false, pageSize = 4096, header } = options;
  for (const column of [idColumn, operationColumn ?? 1]) {
    if (!Number.isInteger(column) || column < 1) throw new RangeError(`columns count from 1, got ${column}`);
  }
  if (delimiter.length !== 1) throw new RangeError(`delimiter must be one character, got ${JSON.stringify(delimiter)}`);
  if (!isTracePageSize(pageSize))
    throw new RangeError(`pageSize must be a power of two from 512 to 2^30, got ${pageSize}`);
  const columns = { idColumn, operationColumn, delimiter, numeric, header };
  return { name: path, pageSize, records: undefined, chunks: () => read(path, columns) };
}

interface Columns {
  readonly idColumn: number;
  readonly operationColumn: number | undefined;
  readonly delimiter: string;
  readonly numeric: boolean;
  readonly header: boolean | undefined;
}

async function* read(path: string, columns: Columns): AsyncGenerator<TraceChunk> {
  const { idColumn, operationColumn, delimiter, numeric } = columns;
  const decoder = new TextDecoder();
  const numbers = new Map<string, number>();
  const records = new RecordBuffer();
  const [reads, writes] = [pageTraceMeta(false), pageTraceMeta(true)];
  let isFirst = true;
  const take = (line: Line) => {
    const text = decoder.decode(line.bytes.subarray(line.from, line.to));
    const fields = text.split(delimiter);
    const isTitle = isFirst && (columns.header ?? (text.startsWith('#') || !isNumber(fields[0]!)));
    isFirst = false;
    if (isTitle || text.length === 0) return;
    const bad = (what: string) => new TraceError('BAD_LINE', path, line.offset, `${what} in ${textOf(line)}`);
    const id = fields[idColumn - 1]?.trim();
    if (id === undefined || id.length === 0) throw bad(`no column ${idColumn}`);
    const operation = operationColumn === undefined ? '' : fields[operationColumn - 1]?.trim().toLowerCase();
    if (operation === undefined) throw bad(`no column ${operationColumn}`);
    if (numeric && (!/^\d+$/.test(id) || Number(id) >= 2 ** 32))
      throw bad(`${JSON.stringify(id)} is no page number below 2^32`);
    let page = numeric ? Number(id) : numbers.get(id);
    if (page === undefined) {
      page = numbers.size;
      if (page === 2 ** 32)
        throw new TraceError('TOO_LARGE', path, line.offset, 'more objects than 32 bits can number');
      numbers.set(id, page);
    }
    records.push(page, /^[ws]/.test(operation) ? writes : reads);
  };
  for await (const _ of lineBatches(bytesOf(path), path, take)) {
    if (records.count === 0) continue;
    yield records;
    records.count = 0;
  }
}

/** Whether text is a non-negative number, as a time or an id is. */
function isNumber(text: string): boolean {
  return /^\s*\d+(\.\d+)?\s*$/.test(text);
}
