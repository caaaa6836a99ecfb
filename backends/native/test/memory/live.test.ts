import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { nativeMemory } from '../../src/index.js';
import { List } from '../fixtures/list.js';

const PAGE = 4096;
const page = (memory: { bufferOf(f: number): Uint8Array; offsetOf(f: number): number }, frame: number) =>
  memory.bufferOf(frame).subarray(memory.offsetOf(frame), memory.offsetOf(frame) + PAGE);

describe('live memory', () => {
  it('is plain memory, of which core and devices see the same bytes', () => {
    const memory = nativeMemory();
    const range = memory.live.open(1000);
    const array = new Uint8Array(range.buffer(0, 1000 * PAGE, false));
    expect(array[5 * PAGE]).toBe(0);
    array[5 * PAGE + 1] = 7;
    expect(page(memory, range.first + 5)[1]).toBe(7);
    page(memory, range.first + 6)[2] = 8;
    expect(array[6 * PAGE + 2]).toBe(8);
    const out = new List();
    expect(memory.live.collect(range.first, 1000, out)).toBe(1);
    expect(out.ids()).toEqual([range.first + 5]);
    expect(memory.live.collect(range.first, 1000, out)).toBe(0);
    range.close();
    expect(array.length).toBe(0);
    range.close();
  });

  it('withholds pages, tells who waits, and lets them go on', async () => {
    const memory = nativeMemory({ patienceMs: 10_000 });
    const range = memory.live.open(64);
    const shared = range.buffer(0, 64 * PAGE, true) as SharedArrayBuffer;
    const array = new Uint8Array(shared);
    array[3 * PAGE] = 1;
    const frames = Uint32Array.of(range.first + 3, range.first + 4, range.first + 9);
    memory.live.withhold(frames, 3);
    const out = new List();
    memory.live.collect(range.first, 64, out);
    expect(out.ids()).toEqual([range.first + 3]);
    page(memory, range.first + 3)[0] = 50;
    const told = new Promise<readonly { frame: number; write: boolean }[]>(
      (resolve) => (memory.live.onFault = resolve),
    );
    const worker = new Worker(
      `const { workerData, parentPort } = require('node:worker_threads');
       const a = new Uint8Array(workerData);
       const before = a[3 * 4096];
       a[9 * 4096]++;
       parentPort.postMessage(before);`,
      { eval: true, workerData: shared },
    );
    const read = new Promise((resolve) => worker.once('message', resolve));
    expect(await told).toEqual([{ frame: range.first + 3, write: false }]);
    memory.live.restore(frames, 3);
    expect(await read).toBe(50);
    expect(array[9 * PAGE]).toBe(1);
    out.clear();
    memory.live.collect(range.first, 64, out);
    expect(out.ids()).toEqual([range.first + 9]);
    memory.live.onFault = undefined;
    range.close();
  });

  it('counts frames that are taken, and makes them zeros when they are freed', () => {
    const memory = nativeMemory({ limit: 2 * PAGE });
    const range = memory.live.open(64);
    const array = new Uint8Array(range.buffer(0, 64 * PAGE, false));
    array[PAGE] = 5;
    memory.live.take(range.first + 1);
    memory.live.take(range.first + 2);
    expect(memory.used).toBe(2);
    expect(() => memory.live.take(range.first + 3)).toThrow(
      expect.objectContaining({ code: 'OUT_OF_HOST_MEMORY' }) as Error,
    );
    memory.free(range.first + 1);
    expect([memory.used, array[PAGE]]).toEqual([1, 0]);
    const out = new List();
    expect(memory.live.collect(range.first, 64, out)).toBe(0);
    range.close();
    expect(memory.used).toBe(0);
  });
});

describe('memory that nobody has any more', () => {
  it.each(['thread', 'worker'] as const)(
    'is collected, though it was told of faults by a %s, once its ranges are closed',
    { timeout: 120_000 },
    async (faultHandler) => {
      setFlagsFromString('--expose-gc');
      const gc = runInNewContext('gc') as () => void;
      const references = Array.from({ length: 5 }, () => {
        const memory = nativeMemory({ faultHandler });
        memory.live.onFault = () => undefined;
        const range = memory.live.open(4);
        new Uint8Array(range.buffer(0, PAGE, false))[0] = 1;
        range.close();
        return new WeakRef(memory);
      });
      const isThere = () => references.some((reference) => reference.deref() !== undefined);
      for (let i = 0; i < 200 && isThere(); i++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        gc();
      }
      expect(isThere()).toBe(false);
    },
  );
});
