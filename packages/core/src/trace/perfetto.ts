import { hex } from '../address/page.js';
import type { TraceEvent } from './event.js';
import { Lanes } from './lanes.js';

/** A value in the `args` of a Chrome trace event. */
export type ChromeArg = number | string;

/** One entry of the Chrome trace-event format: `X` complete, `i` instant, `C` counter, `M` metadata. Times in microseconds. */
export interface ChromeEvent {
  /** Phase: the kind of entry. */
  readonly ph: 'X' | 'i' | 'C' | 'M';
  /** What the entry is called on its track. */
  readonly name: string;
  /** Category to filter by: the type of the event; absent on counters and metadata. */
  readonly cat?: string;
  /** When it began, in microseconds. */
  readonly ts: number;
  /** Duration; on `X` only. */
  readonly dur?: number;
  /** Number of the process: one a device, from 1. */
  readonly pid: number;
  /** Number of the thread within its process; 0 on counters and process names. */
  readonly tid: number;
  /** Scope of an instant: its thread. */
  readonly s?: 't';
  /** What is shown beside the entry. */
  readonly args: Readonly<Record<string, ChromeArg>>;
}

/** A trace that Perfetto (ui.perfetto.dev) and chrome://tracing open once it is written with `JSON.stringify`. */
export interface ChromeTrace {
  /** Unit in which the viewer shows times. */
  readonly displayTimeUnit: 'ms';
  /** All entries: metadata first, then the others by ascending `ts`. */
  readonly traceEvents: readonly ChromeEvent[];
}

/**
 * Turns events into a Chrome trace: a process a device, a thread a queue (or an event type, where no queue is named), complete
 * events for what has a duration, instants for the rest, and a counter of resident pages. Entries are sorted by time.
 * Source: the Trace Event Format document of the Chromium project.
 */
export function chromeTrace(events: readonly TraceEvent[]): ChromeTrace {
  const sorted = [...events].sort((a, b) => a.time - b.time || (b.duration ?? 0) - (a.duration ?? 0));
  const processes = new Map<string, { pid: number; lanes: Lanes }>();
  const timed: ChromeEvent[] = [];
  for (const event of sorted) {
    let process = processes.get(event.device);
    if (process === undefined) {
      process = { pid: processes.size + 1, lanes: new Lanes() };
      processes.set(event.device, process);
    }
    const { pid, lanes } = process;
    const dur = event.duration ?? 0;
    const tid = lanes.place(trackOf(event), event.time, event.time + dur);
    const common = { name: nameOf(event), cat: event.type, ts: event.time, pid, tid, args: argsOf(event) };
    timed.push(dur > 0 ? { ph: 'X', ...common, dur } : { ph: 'i', ...common, s: 't' });
    if (event.resident !== undefined) {
      const ts = event.time + dur;
      timed.push({ ph: 'C', name: 'resident pages', ts, pid, tid: 0, args: { pages: event.resident } });
    }
  }
  // Counters stand at the end of their event, so they may lie behind events that begin meanwhile.
  timed.sort((a, b) => a.ts - b.ts);
  return { displayTimeUnit: 'ms', traceEvents: [...names(processes), ...timed] };
}

function trackOf(event: TraceEvent): string {
  return event.queue === undefined ? event.type : `queue ${event.queue}`;
}

function nameOf(event: TraceEvent): string {
  switch (event.type) {
    case 'copy':
      return `copy ${event.direction}`;
    case 'stall':
      return `wait for ${event.waitsFor}`;
    case 'launch':
      return event.name === undefined ? 'launch' : `launch ${event.name}`;
    default:
      return event.type;
  }
}

const NOT_ARGUMENTS: ReadonlySet<string> = new Set(['type', 'time', 'duration', 'device', 'queue', 'page', 'resident']);

function argsOf(event: TraceEvent): Record<string, ChromeArg> {
  const args: Record<string, ChromeArg> = {};
  for (const [key, value] of Object.entries(event)) {
    if (!NOT_ARGUMENTS.has(key) && (typeof value === 'number' || typeof value === 'string')) args[key] = value;
  }
  if ('page' in event && event.page !== undefined) args['address'] = hex(event.page * event.pageSize);
  return args;
}

function* names(processes: ReadonlyMap<string, { pid: number; lanes: Lanes }>): Iterable<ChromeEvent> {
  for (const [device, { pid, lanes }] of processes) {
    yield { ph: 'M', name: 'process_name', ts: 0, pid, tid: 0, args: { name: device } };
    for (const { tid, name } of lanes.all) {
      yield { ph: 'M', name: 'thread_name', ts: 0, pid, tid, args: { name } };
      yield { ph: 'M', name: 'thread_sort_index', ts: 0, pid, tid, args: { sort_index: tid } };
    }
  }
}
