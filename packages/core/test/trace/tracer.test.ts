import { afterEach, expect, test, vi } from 'vitest';
import { Counters } from '../../src/trace/counters.js';
import { recordTrace } from '../../src/trace/recorder.js';
import { Tracer } from '../../src/trace/tracer.js';
import type { TraceEvent } from '../../src/trace/event.js';

const at = (time: number): TraceEvent => ({ type: 'replay', time, device: 'd:0' });

afterEach(() => {
  vi.unstubAllGlobals();
});

test('is active exactly while somebody listens', () => {
  const tracer = new Tracer();
  expect(tracer.active).toBe(false);
  const first = tracer.on(() => {});
  const second = tracer.on(() => {});
  first();
  expect(tracer.active).toBe(true);
  second();
  second();
  expect(tracer.active).toBe(false);
});

test('the same function registered twice is called twice and removed once at a time', () => {
  const tracer = new Tracer();
  const listener = vi.fn();
  const remove = tracer.on(listener);
  tracer.on(listener);
  tracer.emit(at(1));
  expect(listener).toHaveBeenCalledTimes(2);
  remove();
  tracer.emit(at(2));
  expect(listener).toHaveBeenCalledTimes(3);
});

test('a listener that throws is removed, reported once, and the others go on', () => {
  const errors: unknown[] = [];
  const tracer = new Tracer({ onError: (error) => errors.push(error) });
  const mistake = new Error('in the listener');
  const seen: number[] = [];
  tracer.on(() => {
    throw mistake;
  });
  tracer.on((event) => seen.push(event.time));
  tracer.emit(at(1));
  tracer.emit(at(2));
  expect(seen).toEqual([1, 2]);
  expect(errors).toEqual([mistake]);
});

test('by default the error of a listener surfaces from a microtask', () => {
  const tasks: (() => void)[] = [];
  vi.stubGlobal('queueMicrotask', (task: () => void) => tasks.push(task));
  const tracer = new Tracer();
  tracer.on(() => {
    throw new Error('in the listener');
  });
  tracer.emit(at(1));
  expect(tasks).toHaveLength(1);
  expect(tasks[0]).toThrow('in the listener');
});

test('a listener may leave or subscribe while an event is on its way', () => {
  const tracer = new Tracer();
  const seen: string[] = [];
  const leave = tracer.on(() => {
    seen.push('a');
    leave();
    tracer.on(() => seen.push('late'));
  });
  tracer.on(() => seen.push('b'));
  tracer.emit(at(1));
  expect(seen).toEqual(['a', 'b']);
  tracer.emit(at(2));
  expect(seen).toEqual(['a', 'b', 'b', 'late']);
});

test('refuses a listener that is no function', () => {
  // @ts-expect-error the mistake under test
  expect(() => new Tracer().on(null)).toThrow(TypeError);
});

test('a recording keeps the newest events and counts the dropped', () => {
  const tracer = new Tracer();
  const recording = recordTrace(tracer, { limit: 3 });
  tracer.emit(at(1));
  tracer.emit(at(2));
  expect(recording.events.map((event) => event.time)).toEqual([1, 2]);
  for (let time = 3; time <= 8; time++) tracer.emit(at(time));
  expect(recording.events.map((event) => event.time)).toEqual([6, 7, 8]);
  expect(recording.dropped).toBe(5);
  recording.stop();
  expect(tracer.active).toBe(false);
  tracer.emit(at(9));
  expect(recording.events.map((event) => event.time)).toEqual([6, 7, 8]);
});

test.each([0, -1, 1.5, NaN, Infinity])('refuses a limit of %d events', (limit) => {
  const tracer = new Tracer();
  expect(() => recordTrace(tracer, { limit })).toThrow(RangeError);
  expect(tracer.active).toBe(false);
});

test('counters add up a page size and in total', () => {
  const counters = new Counters();
  const large = counters.of(65536);
  const small = counters.of(4096);
  expect(counters.of(4096)).toBe(small);
  small.faults += 2;
  large.faults += 1;
  large.bytesIn += 65536;
  const before = counters.snapshot();
  expect(before.map(({ pageSize, faults, bytesIn }) => [pageSize, faults, bytesIn])).toEqual([
    [4096, 2, 0],
    [65536, 1, 65536],
  ]);
  small.faults += 1;
  expect(before[0]?.faults).toBe(2);
  expect(counters.total()).toMatchObject({ faults: 4, bytesIn: 65536, evictions: 0 });
});
