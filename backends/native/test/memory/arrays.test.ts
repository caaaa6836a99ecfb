import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { nativeMemory } from '../../src/index.js';
import { List } from '../fixtures/list.js';

const PAGE = 4096;
const error = (code: string) => expect.objectContaining({ code }) as Error;

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

describe('arrays over live memory', () => {
  it('are read and written by all that reads and writes arrays', async () => {
    const memory = nativeMemory();
    const range = memory.live.open(256);
    const buffer = range.buffer(0, 256 * PAGE, false) as ArrayBuffer;
    const bytes = new Uint8Array(buffer);
    const folder = mkdtempSync(join(tmpdir(), 'mirrorspace-'));
    const path = join(folder, 'file');
    const content = new Uint8Array(20 * PAGE).map((_none, i) => i * 7);
    writeFileSync(path, content);
    const fd = openSync(path, 'r+');
    expect(readSync(fd, bytes, 3 * PAGE + 100, content.length, 0)).toBe(content.length);
    expect(Buffer.compare(bytes.subarray(3 * PAGE + 100, 23 * PAGE + 100), content)).toBe(0);
    bytes.copyWithin(100 * PAGE, 3 * PAGE + 100, 23 * PAGE + 100);
    writeSync(fd, bytes, 100 * PAGE, content.length, 0);
    closeSync(fd);
    expect(Buffer.compare(readFileSync(path), content)).toBe(0);
    const hash = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
    expect(hash(bytes.subarray(100 * PAGE, 120 * PAGE))).toBe(hash(content));
    expect(Buffer.compare(new Uint8Array(structuredClone(buffer)), bytes)).toBe(0);
    new DataView(buffer).setFloat64(200 * PAGE - 4, Math.PI);
    expect(new DataView(buffer).getFloat64(200 * PAGE - 4)).toBe(Math.PI);
    new Float64Array(buffer, 210 * PAGE, 4).set([1, 2, 3, 4]);
    const out = new List();
    memory.live.collect(range.first, 256, out);
    const pages = out.ids().map((frame) => frame - range.first);
    const wanted = [...Array(256).keys()].filter(
      (i) => (i >= 3 && i < 24) || (i >= 100 && i < 120) || [199, 200, 210].includes(i),
    );
    expect(pages).toEqual(wanted);
    range.close();
    expect([bytes.length, buffer.byteLength]).toEqual([0, 0]);
    await Promise.resolve();
  });

  it('are shared with workers, where Atomics work', async () => {
    const memory = nativeMemory();
    const range = memory.live.open(64);
    const shared = range.buffer(0, 64 * PAGE, true) as SharedArrayBuffer;
    const words = new Int32Array(shared);
    const worker = new Worker(
      `const { workerData, parentPort } = require('node:worker_threads');
       const words = new Int32Array(workerData);
       for (let page = 0; page < 64; page++) for (let i = 0; i < 100; i++) Atomics.add(words, page * 1024, 1);
       Atomics.store(words, 1, 1);
       Atomics.notify(words, 1);
       parentPort.postMessage(new Int32Array(workerData, 5 * 4096, 1)[0]);`,
      { eval: true, workerData: shared },
    );
    const seen = new Promise((resolve) => worker.once('message', resolve));
    for (let page = 0; page < 64; page++) for (let i = 0; i < 100; i++) Atomics.add(words, page * 1024, 1);
    expect(Atomics.wait(words, 1, 0, 10_000)).not.toBe('timed-out');
    expect(await seen).toBeGreaterThan(0);
    for (let page = 0; page < 64; page++) expect(words[page * 1024]).toBe(200);
    const { port1, port2 } = new MessageChannel();
    port1.postMessage(shared);
    const { message } = receiveMessageOnPort(port2) as { message: SharedArrayBuffer };
    range.close();
    // Still there, and nothing but zeros.
    expect([words[1024], new Int32Array(message)[2048]]).toEqual([0, 0]);
    words[5] = 1;
    port1.close();
  });

  it('stay what they are while garbage is collected', async () => {
    const memory = nativeMemory();
    const range = memory.live.open(1024);
    range.buffer(8 * PAGE, PAGE, false);
    for (let round = 0; round < 20; round++) {
      const array = new Uint32Array(range.buffer(0, 1024 * PAGE, round % 2 === 0));
      for (let page = 0; page < 1024; page++) array[page * 1024 + round + 1] = page ^ round;
      gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    gc();
    const array = new Uint32Array(range.buffer(0, 1024 * PAGE, false));
    for (let round = 0; round < 20; round++)
      for (let page = 0; page < 1024; page++)
        if (array[page * 1024 + round + 1] !== (page ^ round)) throw new Error(`page ${page}, round ${round}`);
    range.close();
  });
});

describe('ranges', () => {
  it('come and go by the thousand', () => {
    const memory = nativeMemory();
    const before = memory.metadataBytes;
    const open = [];
    for (let i = 0; i < 3000; i++) {
      const range = memory.live.open(1 + (i % 7));
      const array = new Uint8Array(range.buffer(0, PAGE, i % 2 === 0));
      expect(array[0]).toBe(0);
      array[0] = 9;
      memory.live.take(range.first);
      open.push(range);
      if (i % 3 !== 0) open.splice((i * 31) % open.length, 1)[0]!.close();
    }
    const firsts = open.map(({ first }) => first);
    expect(new Set(firsts).size).toBe(firsts.length);
    expect(memory.used).toBe(open.length);
    for (const range of open) range.close();
    expect(memory.used).toBe(0);
    expect(memory.metadataBytes - before).toBeLessThan(200_000);
  });

  it('have terabytes, of which what is touched costs memory', () => {
    const memory = nativeMemory();
    const TERABYTE = 2 ** 40;
    const range = memory.live.open(TERABYTE / PAGE);
    expect(range.address).toBeLessThan(2 ** 47);
    const rss = process.memoryUsage.rss();
    const touched: [number, number][] = [];
    let random = 7;
    for (let i = 0; i < 500; i++) {
      random = (random * 1103515245 + 12345) % 2 ** 31;
      const page = Math.floor((random / 2 ** 31) * (TERABYTE / PAGE));
      const array = new Uint8Array(range.buffer(page * PAGE, PAGE, true));
      array[i] = i | 1;
      touched.push([page, i]);
      // As core does with what it hears of.
      if (i % 50 === 0) memory.live.take(range.first + page);
    }
    for (const [page, i] of touched) {
      const frame = range.first + page;
      expect(memory.bufferOf(frame)[memory.offsetOf(frame) + i]).toBe((i | 1) & 255);
    }
    const out = new List();
    expect(memory.live.collect(range.first, range.count, out)).toBe(new Set(touched.map(([page]) => page)).size);
    expect(process.memoryUsage.rss() - rss).toBeLessThan(64 << 20);
    expect(memory.metadataBytes).toBeLessThan(4 << 20);
    range.close();
    // Its numbers are free again.
    memory.live.open(TERABYTE / PAGE).close();
    expect(() => memory.live.open(2 ** 30 + 1)).toThrow(error('OUT_OF_HOST_MEMORY'));
  });

  it('refuse what is no part of them', () => {
    const memory = nativeMemory();
    const range = memory.live.open(4);
    for (const [offset, bytes] of [
      [0, 0],
      [0, 4 * PAGE + 1],
      [4 * PAGE, 1],
      [-PAGE, PAGE],
      [5, 5],
      [0, 0.5],
      [0, NaN],
    ] as const)
      expect(() => range.buffer(offset, bytes, false)).toThrow(RangeError);
    expect(() => range.buffer('0' as never, 1, false)).toThrow(TypeError);
    for (const count of [0, -1, 1.5, Infinity]) expect(() => memory.live.open(count)).toThrow(RangeError);
    expect(() => memory.live.withhold([1] as never, 1)).toThrow(TypeError);
    expect(() => memory.live.withhold(Uint32Array.of(range.first, range.first + 4), 2)).toThrow(RangeError);
    expect(() => memory.live.withhold(Uint32Array.of(range.first), 2)).toThrow(RangeError);
    // Nothing was withheld.
    expect(new Uint8Array(range.buffer(0, 1, false))[0]).toBe(0);
    expect(() => memory.live.take(range.first + 4)).toThrow(RangeError);
    range.close();
    expect(() => range.buffer(0, 1, false)).toThrow(error('CLOSED'));
    for (const options of [
      { pageSize: 1000 },
      { pageSize: 2 ** 22 },
      { limit: 5 },
      { tracking: 'magic' },
      { patienceMs: 0 },
    ])
      expect(() => nativeMemory(options as never)).toThrow(RangeError);
    for (const options of [5, { pageSize: '4096' }, { limit: '1' }, { patienceMs: '1' }])
      expect(() => nativeMemory(options as never)).toThrow(TypeError);
  });
});
