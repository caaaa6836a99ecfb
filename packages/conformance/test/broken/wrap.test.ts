import { memory } from '@mirrorspace/memory';
import type { Device } from '@mirrorspace/core/driver';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { breakBackend } from '../../src/broken/device.js';
import { loadReferences } from '../../src/broken/reference.js';
import { keyOf, override, rewriting, tap } from '../../src/broken/wrap.js';
import { driverCases, runCases, totals } from '../../src/index.js';

/** The whole suite runs in the test that has this limit. */
const SLOW_MS = 120_000;

let device: Device;
beforeEach(async () => {
  device = await memory.open();
});
afterEach(() => device.close());

test('override replaces members, live ones too, and leaves private state alone', () => {
  class Counter {
    #count = 1;
    get count(): number {
      return this.#count;
    }
    add(): number {
      return ++this.#count;
    }
  }
  const counter = new Counter();
  const changed = override(counter, {
    get count(): number {
      return counter.count * 10;
    },
  });
  expect([changed.add(), changed.count, counter.count]).toEqual([2, 20, 2]);
  expect(changed).toBeInstanceOf(Counter);
});

test('a tap runs between the commands around it, and changes no memory', async () => {
  const [pageSize = 0] = device.limits.pageSizes;
  const bytes = new Uint8Array(pageSize).fill(7);
  const host = { pageSize, bufferOf: () => bytes, offsetOf: () => 0 };
  const copy = { pageSize, count: 1, host, hostFrames: new Uint32Array(1), frames: new Uint32Array(1) };
  const queue = device.queues.find(({ paging }) => paging);
  const seen: (number | undefined)[] = [];
  await queue
    ?.submit([
      { kind: 'copyIn', ...copy },
      tap(() => seen.push(bytes.fill(1)[0])),
      { kind: 'copyOut', ...copy },
      tap(() => seen.push(bytes[0])),
    ])
    .wait();
  expect(seen).toEqual([1, 7]);
});

test('pages are told apart by MMU and page size', () => {
  const list = { mmu: 1, pageSize: 4096, pages: Float64Array.of(5, 2 ** 34) };
  const keys = [keyOf(list, 0), keyOf(list, 1), keyOf({ ...list, mmu: 2 }, 0), keyOf({ ...list, pageSize: 65536 }, 0)];
  expect(new Set(keys).size).toBe(4);
});

test(
  'a wrapper that changes nothing keeps the whole contract',
  async () => {
    const backend = breakBackend((await loadReferences()).managed, {
      wrap: (opened) => rewriting(opened, (command) => command),
    });
    const { pass, fail } = totals(await runCases({ backend, cases: driverCases }));
    expect(fail).toBe(0);
    expect(pass).toBeGreaterThan(200);
  },
  SLOW_MS,
);
