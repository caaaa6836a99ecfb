import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { type PageTrace, type TraceChunk, TraceError, type TraceErrorCode } from '../../src/trace/page-trace.js';

/** Page and meta. */
export type TraceRecord = readonly [page: number, meta: number];

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** A new folder, which goes when the tests of the file have ended. */
export async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mirrorspace-trace-'));
  folders.push(folder);
  return folder;
}

/** A path in a new folder. */
export async function fresh(name: string): Promise<string> {
  return join(await freshFolder(), name);
}

/** A new file of these contents. */
export async function fileOf(name: string, contents: string | Uint8Array): Promise<string> {
  const path = await fresh(name);
  await writeFile(path, contents);
  return path;
}

/** All records of a trace. */
export async function recordsOf(trace: Pick<PageTrace, 'chunks'> | AsyncIterable<TraceChunk>): Promise<TraceRecord[]> {
  const records: TraceRecord[] = [];
  for await (const { pages, metas, count } of 'chunks' in trace ? trace.chunks() : trace)
    for (let i = 0; i < count; i++) records.push([pages[i]!, metas[i]!]);
  return records;
}

/** Records as one chunk. */
export function chunkOf(records: readonly TraceRecord[]): TraceChunk {
  return {
    pages: Uint32Array.from(records, ([page]) => page),
    metas: Uint32Array.from(records, ([, meta]) => meta),
    count: records.length,
  };
}

/** Expects a refusal with this code at this byte. */
export async function expectRefusal(work: Promise<unknown>, code: TraceErrorCode, offset?: number): Promise<void> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TraceError);
  const refusal = error as TraceError;
  expect([refusal.code, refusal.message.includes(`(byte ${refusal.offset})`)]).toEqual([code, true]);
  if (offset !== undefined) expect(refusal.offset).toBe(offset);
}
