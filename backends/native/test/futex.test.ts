import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { addon } from '../src/index.js';

const { futexWait, futexWaitAsync, futexWake, Mapping, Memfd, pageSize } = addon();

describe('futex', () => {
  it('returns at once when the word is another, and after the time when nobody wakes', () => {
    const words = new Int32Array(4);
    expect(futexWait(words, 1, 1, 60_000)).toBe('not-equal');
    const start = performance.now();
    expect(futexWait(words, 1, 0, 30)).toBe('timed-out');
    expect(performance.now() - start).toBeGreaterThan(29);
    expect(futexWait(new Uint32Array([2 ** 32 - 1]), 0, -1, 0)).toBe('timed-out');
  });

  it('is heard at another mapping of the same file, by a worker and by a promise', async () => {
    const file = Memfd.create(pageSize);
    const here = new Int32Array(Mapping.map(file, 0, pageSize).arrayBuffer(0, pageSize));
    const there = Mapping.map(file, 0, pageSize);
    const code = `
      const { workerData, parentPort } = require('node:worker_threads');
      const addon = require('node-gyp-build')(workerData.folder);
      const words = new Int32Array(addon.Mapping.adopt(workerData.there).arrayBuffer(0, 4));
      parentPort.postMessage('begun');
      parentPort.postMessage(addon.futexWait(words, 0, 0, 10000));
    `;
    const folder = new URL('../addon', import.meta.url).pathname;
    const worker = new Worker(code, { eval: true, workerData: { there: there.share(), folder } });
    await new Promise((resolve) => worker.once('message', resolve));
    const result = new Promise((resolve) => worker.once('message', resolve));
    const promised = futexWaitAsync(here, 0, 0, 10_000);
    let woken = 0;
    while (woken < 2) {
      woken += futexWake(here, 0);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect([woken, await promised, await result]).toEqual([2, 'ok', 'ok']);
    await worker.terminate();
  });

  it('takes many waits at once, and says when it takes no more', async () => {
    const words = new Int32Array(1);
    const waits = Array.from({ length: 260 }, () => futexWaitAsync(words, 0, 0, 2000));
    const settled = Promise.allSettled(waits);
    await new Promise((resolve) => setTimeout(resolve, 100));
    futexWake(words, 0);
    const results = await settled;
    const refused = results.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(4);
    expect(refused[0]).toMatchObject({ reason: { code: 'BUSY' } });
    expect(await futexWaitAsync(words, 0, 1, 1000)).toBe('not-equal');
  });

  it('refuses words that are none', () => {
    expect(() => futexWait(new Int32Array(1), 1, 0, 0)).toThrow(RangeError);
    expect(() => futexWait(new Float32Array(1) as never, 0, 0, 0)).toThrow(TypeError);
    expect(() => futexWait(new Int32Array(1), 0, 2 ** 32, 0)).toThrow(RangeError);
    expect(() => futexWait(new Int32Array(1), 0, 0, 60_001)).toThrow(RangeError);
  });
});
