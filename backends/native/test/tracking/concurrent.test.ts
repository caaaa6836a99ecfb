import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { nativeMemory } from '../../src/index.js';
import { List } from '../fixtures/list.js';

const FRAMES = 64;
const PAGE = 4096;

describe.each(['wp-async', 'wp-sync', 'compare'] as const)('tracking by %s', (tracking) => {
  it('loses no store of threads that go on meanwhile', async () => {
    const memory = nativeMemory({ tracking, patienceMs: 60_000 });
    const range = memory.live.open(FRAMES);
    const shared = range.buffer(0, FRAMES * PAGE, true) as SharedArrayBuffer;
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const workers = [1, 2].map(
      (thread) =>
        new Worker(
          `const { bytes, stop, thread, frames } = require('node:worker_threads').workerData;
           const words = new Int32Array(bytes);
           let at = thread;
           require('node:worker_threads').parentPort.postMessage('starts');
           while (Atomics.load(stop, 0) === 0) {
             at = (at * 1103515245 + 12345) & 0x7fffffff;
             Atomics.add(words, ((at >>> 8) % frames) * 1024 + thread, 1);
           }
           require('node:worker_threads').parentPort.postMessage('done');`,
          { eval: true, workerData: { bytes: shared, stop, thread, frames: FRAMES } },
        ),
    );
    const heard = () => Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))));
    await heard();
    const done = heard();
    // What a device would have, by what is reported only.
    const copies = Array.from({ length: FRAMES }, () => new Uint8Array(PAGE));
    const bytesOf = (frame: number) =>
      memory.bufferOf(frame).subarray(memory.offsetOf(frame), memory.offsetOf(frame) + PAGE);
    const out = new List();
    const update = () => {
      out.clear();
      memory.live.collect(range.first, FRAMES, out);
      for (const frame of out.ids()) copies[frame - range.first]!.set(bytesOf(frame));
    };
    memory.live.onFault = () => undefined;
    let stores = 0;
    for (let round = 0; round < 300; round++) {
      const frames = Uint32Array.from(
        { length: 8 },
        (_none, i) => range.first + ((round * 5 + i * (1 + (round % 3))) % FRAMES),
      );
      memory.live.withhold(frames, frames.length);
      update();
      stores += out.length;
      for (const frame of frames) expect(Buffer.compare(copies[frame - range.first]!, bytesOf(frame))).toBe(0);
      memory.live.restore(frames, frames.length);
      if (round % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    Atomics.store(stop, 0, 1);
    await done;
    update();
    for (let i = 0; i < FRAMES; i++) expect(Buffer.compare(copies[i]!, bytesOf(range.first + i))).toBe(0);
    expect(stores).toBeGreaterThan(100);
    memory.live.onFault = undefined;
    range.close();
  }, 30_000);
});
