import { svgOf } from '../figure.js';
import type { Bucket } from './timeline.js';

/** Colors that people tell apart who see colors differently (Okabe and Ito). */
const COLORS = ['#0072b2', '#e69f00', '#009e73', '#d55e00', '#cc79a7', '#56b4e9', '#000000', '#999999'];
const SIZE = { width: 500, height: 220, padding: 6 };
const LEGEND = { orient: 'bottom', labelLimit: 0, symbolType: 'stroke' };
const LINES = { type: 'line', strokeWidth: 1.5, clip: true };
const PERCENT = { axis: { format: '%' } };

const colorOf = (title: string) => ({ field: 'series', title, sort: null, scale: { range: COLORS }, legend: LEGEND });

/** Pages brought, and taken home, while a trace goes on. */
export function timelineFigure(
  series: readonly { readonly name: string; readonly buckets: readonly Bucket[] }[],
): Promise<string> {
  const values = series.flatMap(({ name, buckets }) =>
    buckets.flatMap((bucket) => [
      { series: name, at: bucket.at, direction: 'to the device', pages: bucket.in },
      { series: name, at: bucket.at, direction: 'home', pages: bucket.out },
    ]),
  );
  return svgOf({
    ...SIZE,
    title: 'Pages moved, by the accesses made so far',
    data: { values },
    mark: LINES,
    encoding: {
      x: { field: 'at', type: 'quantitative', title: 'accesses', ...PERCENT },
      y: { field: 'pages', type: 'quantitative', title: 'pages a 120th' },
      color: colorOf('policy'),
      strokeDash: { field: 'direction', title: 'direction', sort: null, legend: LEGEND },
    },
  });
}

/** A point of a curve over memory sizes. */
export interface CurvePoint {
  readonly series: string;
  /** Share of the trace's pages that fit. */
  readonly memory: number;
  readonly value: number;
}

/** The share of accesses that miss, over memory sizes. */
export function missRatioFigure(values: readonly CurvePoint[]): Promise<string> {
  return curve('Miss ratio by memory: policies alone, serial', 'misses / accesses', values);
}

/** Estimated time over memory sizes. */
export function timeFigure(values: readonly CurvePoint[]): Promise<string> {
  return curve('Estimated time by memory: through the mirror', 'ms', values);
}

function curve(title: string, axis: string, values: readonly CurvePoint[]): Promise<string> {
  return svgOf({
    ...SIZE,
    title,
    data: { values },
    mark: { ...LINES, point: { filled: true, size: 30 } },
    encoding: {
      x: { field: 'memory', type: 'quantitative', title: 'memory, of the pages accessed', ...PERCENT },
      y: { field: 'value', type: 'quantitative', title: axis, scale: { zero: true } },
      color: colorOf('policy'),
    },
  });
}
