import { csvTrace } from './csv.js';
import { bytesOf, openPageTrace } from './file.js';
import { lackeyTrace } from './lackey.js';
import { type PageTrace, TraceError } from './page-trace.js';

/** Bytes that tell what a file is. */
const HEAD = 4096;

/**
 * Opens a trace of any kind; gzip is seen by itself. What begins with MSTRACE1 is a page trace, what looks like lackey's lines
 * is lackey's, what has commas is CSV with the columns of libCacheSim.
 * @throws TraceError `BAD_MAGIC` for anything else
 */
export async function openTrace(path: string): Promise<PageTrace> {
  let head = '';
  for await (const portion of bytesOf(path)) {
    head += new TextDecoder('latin1').decode(portion.subarray(0, HEAD));
    if (head.length >= HEAD) break;
  }
  if (head.startsWith('MSTRACE1')) return openPageTrace(path);
  const lines = head.split('\n').filter((line) => line.trim().length > 0 && !/^(==|--)/.test(line));
  if (/^(I | [LSM] )/.test(lines[0] ?? '')) return lackeyTrace(path);
  if (lines[0]?.includes(',') === true) return csvTrace(path);
  throw new TraceError('BAD_MAGIC', path, 0, 'neither a page trace nor lackey’s lines nor CSV');
}
