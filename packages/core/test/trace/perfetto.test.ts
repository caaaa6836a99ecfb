import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TraceEvent } from '../../src/trace/event.js';
import { chromeTrace, type ChromeEvent } from '../../src/trace/perfetto.js';

const copy = (time: number, duration: number, queue = 0): TraceEvent => ({
  type: 'copy',
  direction: 'in',
  time,
  duration,
  device: 'd:0',
  queue,
  pageSize: 4096,
  count: 2,
  page: 0x7f0000,
  bytes: 8192,
});

const arbitraryEvent: fc.Arbitrary<TraceEvent> = fc
  .record({
    time: fc.double({ min: 0, max: 1000, noNaN: true }),
    duration: fc.option(fc.double({ min: 0, max: 100, noNaN: true }), { nil: undefined }),
    device: fc.constantFrom('d:0', 'd:1'),
    queue: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
    resident: fc.option(fc.nat(), { nil: undefined }),
  })
  .map(({ time, duration, device, queue, resident }) => ({
    type: 'replay' as const,
    time,
    device,
    ...(duration !== undefined && { duration }),
    ...(queue !== undefined && { queue }),
    ...(resident !== undefined && { resident }),
  }));

function checkFormat(entries: readonly ChromeEvent[]): void {
  let last = 0;
  const open = new Map<string, number[]>();
  for (const entry of entries) {
    expect(Number.isFinite(entry.ts) && entry.ts >= 0).toBe(true);
    expect(Number.isInteger(entry.pid) && Number.isInteger(entry.tid)).toBe(true);
    expect(entry.name).not.toBe('');
    if (entry.ph === 'M') continue;
    expect(entry.ts).toBeGreaterThanOrEqual(last);
    last = entry.ts;
    if (entry.ph === 'i') expect(entry.s).toBe('t');
    if (entry.ph === 'C') expect(Object.values(entry.args).every((value) => typeof value === 'number')).toBe(true);
    expect(entry.dur !== undefined).toBe(entry.ph === 'X');
    if (entry.ph !== 'X' || entry.dur === undefined) continue;
    const key = `${entry.pid}/${entry.tid}`;
    const ends = open.get(key) ?? [];
    open.set(key, ends);
    while ((ends.at(-1) ?? Infinity) <= entry.ts) ends.pop();
    expect(entry.ts + entry.dur).toBeLessThanOrEqual(ends.at(-1) ?? Infinity);
    ends.push(entry.ts + entry.dur);
  }
}

test('every event becomes a valid entry: sorted, nested on its thread, named', () => {
  fc.assert(
    fc.property(fc.array(arbitraryEvent, { maxLength: 60 }), (events) => {
      const { traceEvents } = JSON.parse(JSON.stringify(chromeTrace(events))) as { traceEvents: ChromeEvent[] };
      checkFormat(traceEvents);
      expect(traceEvents.filter((entry) => entry.ph === 'X' || entry.ph === 'i')).toHaveLength(events.length);
      const named = new Set(
        traceEvents.filter((entry) => entry.name === 'thread_name').map((entry) => `${entry.pid}/${entry.tid}`),
      );
      for (const entry of traceEvents) {
        if (entry.ph === 'X' || entry.ph === 'i') expect(named).toContain(`${entry.pid}/${entry.tid}`);
      }
    }),
  );
});

test('a device is a process, a queue a thread, and the first page an address', () => {
  const { traceEvents } = chromeTrace([copy(10, 5, 0), { ...copy(12, 5, 1), device: 'd:1' }]);
  const processes = traceEvents.filter((entry) => entry.name === 'process_name').map((entry) => entry.args['name']);
  expect(processes).toEqual(['d:0', 'd:1']);
  const threads = traceEvents.filter((entry) => entry.name === 'thread_name').map((entry) => entry.args['name']);
  expect(threads).toEqual(['queue 0', 'queue 1']);
  expect(traceEvents.find((entry) => entry.ph === 'X')).toEqual({
    ph: 'X',
    name: 'copy in',
    cat: 'copy',
    ts: 10,
    dur: 5,
    pid: 1,
    tid: 1,
    args: { direction: 'in', pageSize: 4096, count: 2, bytes: 8192, address: '0x7f0000000' },
  });
});

test('events that overlap in part go to different threads of one name', () => {
  const { traceEvents } = chromeTrace([copy(0, 10), copy(5, 10), copy(1, 2)]);
  const threads = traceEvents.filter((entry) => entry.name === 'thread_name').map((entry) => entry.args['name']);
  expect(threads).toEqual(['queue 0', 'queue 0 (2)']);
  expect(traceEvents.filter((entry) => entry.ph === 'X').map((entry) => [entry.ts, entry.tid])).toEqual([
    [0, 1],
    [1, 1],
    [5, 2],
  ]);
});

test('resident pages become a counter at the end of the event', () => {
  const { traceEvents } = chromeTrace([
    { ...copy(0, 10), resident: 7 },
    { ...copy(2, 3), resident: 3 },
  ]);
  const counters = traceEvents.filter((entry) => entry.ph === 'C');
  expect(counters.map((entry) => [entry.ts, entry.args['pages']])).toEqual([
    [5, 3],
    [10, 7],
  ]);
});

test('an event without a queue stands on a thread of its type', () => {
  const { traceEvents } = chromeTrace([
    { type: 'stall', time: 3, device: 'd:0', waiter: 'fault service', waitsFor: 'flush' },
  ]);
  expect(traceEvents.at(-1)).toMatchObject({
    ph: 'i',
    s: 't',
    name: 'wait for flush',
    args: { waiter: 'fault service' },
  });
  expect(traceEvents.find((entry) => entry.name === 'thread_name')?.args['name']).toBe('stall');
});

test('no events, no entries', () => {
  expect(chromeTrace([]).traceEvents).toEqual([]);
});
