import { PageSet } from '../trace/page-set.js';
import { actorOf, isWrite, type PageTrace } from '../trace/page-trace.js';

/** What has to be known of a trace before it is replayed. */
export interface TraceShape {
  readonly records: number;
  /** Pages that are accessed. */
  readonly touched: PageSet;
  /** Those that are written. */
  readonly stored: PageSet;
  /** Whether any access is a device's: if none is, all are replayed as if they were. */
  readonly hasDevice: boolean;
}

/** Reads a trace to its end. */
export async function shapeOf(trace: PageTrace): Promise<TraceShape> {
  const touched = new PageSet();
  const stored = new PageSet();
  let records = 0;
  let hasDevice = false;
  for await (const { pages, metas, count } of trace.chunks()) {
    records += count;
    for (let i = 0; i < count; i++) {
      const meta = metas[i]!;
      touched.add(pages[i]!);
      if (isWrite(meta)) stored.add(pages[i]!);
      if (actorOf(meta) !== 0) hasDevice = true;
    }
  }
  return { records, touched, stored, hasDevice };
}
