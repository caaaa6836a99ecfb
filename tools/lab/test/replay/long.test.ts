import { pageTraceMeta } from '@mirrorspace/core';
import { expect, it } from 'vitest';
import { replayThroughMirror } from '../../src/replay/mirror-replay.js';
import { shapeOf } from '../../src/replay/shape.js';
import { policyOf } from '../../src/replay/policies.js';
import { PageSet } from '../../src/trace/page-set.js';
import type { PageTrace, TraceChunk } from '../../src/trace/page-trace.js';

const RECORDS = 12_000_000;
const PAGES = 600;
const CHUNK = 8192;

/** A trace that is made while it is read: each page some times, and then the next, round and round. */
function generated(): PageTrace {
  // Async, as traces in files are.
  async function* chunks(): AsyncGenerator<TraceChunk> {
    const pages = new Uint32Array(CHUNK);
    const metas = new Uint32Array(CHUNK);
    for (let at = 0; at < RECORDS; at += CHUNK) {
      await Promise.resolve();
      const count = Math.min(CHUNK, RECORDS - at);
      for (let i = 0; i < count; i++) {
        pages[i] = Math.floor((at + i) / 2000) % PAGES;
        metas[i] = pageTraceMeta((at + i) % 64 === 0, 1, Math.floor((at + i) / 3_000_000));
      }
      yield { pages, metas, count };
    }
  }
  return { name: 'generated', pageSize: 4096, records: RECORDS, chunks };
}

it('replays a long trace in memory that does not grow with it', async () => {
  const trace = generated();
  let most = 0;
  const watch = () => {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    most = Math.max(most, heapUsed + arrayBuffers);
  };
  watch();
  const before = most;
  const { attach } = policyOf('lru+none');
  const { accesses, launches, pagesIn } = await replayThroughMirror(trace, { room: 300, attach, onProgress: watch });
  expect(accesses).toBe(RECORDS);
  expect(launches).toBe(12);
  // Around ten rounds through twice as many pages as fit: each page is brought each time.
  expect(pagesIn).toBe(RECORDS / 2000);
  // The records alone would be 96 MB.
  expect(most - before).toBeLessThan(80 * 2 ** 20);
}, 600_000);

it('knows pages beyond those that a Set can hold', async () => {
  const set = new PageSet();
  const last = 2 ** 25;
  for (const page of [last, 0, 31, 32, 2 ** 24, last]) set.add(page);
  expect([set.size, set.extent, set.has(33), set.has(2 ** 24), set.has(2 ** 32 - 1)]).toEqual([
    5,
    last + 1,
    false,
    true,
    false,
  ]);
  const runs: number[][] = [];
  await set.runs(64, (from, count) => {
    runs.push([from, count]);
    return Promise.resolve();
  });
  expect(runs).toEqual([
    [0, 1],
    [31, 2],
    [2 ** 24, 1],
    [last, 1],
  ]);
});

it('reads of a trace what has to be known before it is replayed', async () => {
  const { records, touched, stored, hasDevice } = await shapeOf(generated());
  expect([records, touched.size, stored.size, hasDevice]).toEqual([RECORDS, PAGES, PAGES, true]);
}, 600_000);

it('has policies by names, pairs and parameters, and refuses others', () => {
  expect(policyOf('lru+tree').attach).toEqual({ eviction: 'lru', prefetch: 'tree' });
  expect(policyOf('uvm?batch=64&sampling=2')).toMatchObject({
    name: 'uvm?batch=64&sampling=2',
    attach: { batch: 64, sampling: 2 },
  });
  expect(policyOf('uvm-all').writesAll).toBe(true);
  for (const name of [
    '',
    'none',
    'lru+next+tree',
    'toString',
    'lru+none?speed=2',
    'lru+none?batch=',
    'lru+none?batch=x',
  ])
    expect(() => policyOf(name), name).toThrow(RangeError);
});
