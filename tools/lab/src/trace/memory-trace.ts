import type { PageTrace, TraceChunk } from './page-trace.js';

/** A trace whose records are in memory. */
export interface LoadedTrace extends PageTrace {
  readonly pages: Uint32Array;
  readonly metas: Uint32Array;
}

/** Makes a trace of records in memory: one chunk. */
export function memoryTrace(name: string, pageSize: number, pages: Uint32Array, metas: Uint32Array): LoadedTrace {
  const chunk: TraceChunk = { pages, metas, count: pages.length };
  return { name, pageSize, pages, metas, records: pages.length, chunks: () => once(chunk) };
}

/** Reads a trace whole. */
export async function loadTrace(trace: PageTrace): Promise<LoadedTrace> {
  const parts: { pages: Uint32Array; metas: Uint32Array }[] = [];
  let records = 0;
  for await (const { pages, metas, count } of trace.chunks()) {
    parts.push({ pages: pages.slice(0, count), metas: metas.slice(0, count) });
    records += count;
  }
  const pages = new Uint32Array(records);
  const metas = new Uint32Array(records);
  let at = 0;
  for (const part of parts) {
    pages.set(part.pages, at);
    metas.set(part.metas, at);
    at += part.pages.length;
  }
  return memoryTrace(trace.name, trace.pageSize, pages, metas);
}

async function* once(chunk: TraceChunk): AsyncGenerator<TraceChunk> {
  yield chunk;
}
