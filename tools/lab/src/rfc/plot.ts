import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { Row } from './experiment.js';
import type { Findings } from './report.js';

const WIDTH = 340;
const HEIGHT = 300;
const LOG = { type: 'log' } as const;

/** Draws the findings as one SVG. */
export async function plot(findings: Findings): Promise<string> {
  const view = new View(parse(compile(specOf(findings)).spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

function specOf({ placements, roundLengths, breakEvens }: Findings): TopLevelSpec {
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: 'white',
    padding: 12,
    config: {
      font: 'sans-serif',
      axis: { labelFontSize: 11, titleFontSize: 12, titlePadding: 8, gridColor: '#e8e8e8' },
      legend: { labelFontSize: 11, titleFontSize: 12, symbolSize: 90 },
      title: { fontSize: 13, anchor: 'start', offset: 12 },
    },
    spacing: 48,
    resolve: { scale: { color: 'independent', strokeWidth: 'independent', strokeDash: 'independent' } },
    hconcat: [inFront(placements), byRoundLength(roundLengths, breakEvens)],
  } as TopLevelSpec;
}

/** Flush time against commands in front: the lines of what behaves alike lie on each other, so the lower ones are wider. */
function inFront(rows: readonly Row[]): object {
  const queues = ['paging', 'least-loaded', 'highest-priority', 'user'];
  const values = rows.map(({ scenario, outcome }) => ({
    front: scenario.front.toLocaleString('en'),
    queue: scenario.placement,
    priorities: scenario.priorities ? 'claimed' : 'not claimed',
    us: outcome.flushUs,
  }));
  return {
    title: 'Where the update goes',
    width: WIDTH,
    height: HEIGHT,
    data: { values },
    mark: { type: 'line', point: { filled: true, size: 40 }, opacity: 0.85 },
    encoding: {
      x: {
        field: 'front',
        type: 'ordinal',
        sort: null,
        title: 'commands in front of the update (1 ms each)',
        axis: { labelAngle: 0, grid: true },
      },
      y: { field: 'us', type: 'quantitative', scale: LOG, title: 'flush time (simulated µs)', axis: { format: '~s' } },
      color: {
        field: 'queue',
        type: 'nominal',
        title: 'queue policy',
        scale: { domain: queues, range: ['#9ecae1', '#fd8d3c', '#31a354', '#756bb1'] },
      },
      strokeWidth: {
        field: 'queue',
        type: 'nominal',
        title: 'queue policy',
        scale: { domain: queues, range: [9, 5, 2, 2.5] },
      },
      strokeDash: {
        field: 'priorities',
        type: 'nominal',
        title: 'priorities',
        scale: {
          domain: ['claimed', 'not claimed'],
          range: [
            [1, 0],
            [4, 4],
          ],
        },
      },
      order: { field: 'front' },
    },
  };
}

function byRoundLength(rows: readonly Row[], breakEvens: Findings['breakEvens']): object {
  const name = ({ scenario }: Row) =>
    scenario.preemption === 'never' ? 'wait' : `interrupt, ${costOf(scenario.preemptionUs ?? 0, scenario.units)} µs`;
  const values = rows.map((row) => ({ way: name(row), round: row.scenario.roundUs, us: row.outcome.flushUs }));
  const ways = [...new Set(values.map(({ way }) => way))];
  const lowest = Math.min(...values.map(({ round }) => round));
  const highest = Math.max(...values.map(({ round }) => round));
  const crossings = [...new Map(breakEvens.map((one) => [one.costUs, one])).values()]
    .filter(({ roundUs }) => roundUs >= lowest && roundUs <= highest)
    .map(({ roundUs }) => ({ round: roundUs, us: roundUs }));
  const x = {
    field: 'round',
    type: 'quantitative',
    scale: LOG,
    title: 'length of the round that runs (simulated µs)',
    axis: { format: '~s', labelOverlap: true },
  };
  const y = {
    field: 'us',
    type: 'quantitative',
    scale: LOG,
    title: 'flush time (simulated µs)',
    axis: { format: '~s', labelOverlap: true },
  };
  const palette = ['#b2182b', '#ef8a62', '#fdae61', '#abd9e9', '#74add1', '#4575b4', '#313695', '#542788', '#000000'];
  return {
    title: 'Waiting against interrupting (circles: break-even)',
    width: WIDTH,
    height: HEIGHT,
    layer: [
      {
        data: { values },
        mark: { type: 'line', strokeWidth: 2 },
        encoding: {
          x,
          y,
          color: {
            field: 'way',
            type: 'nominal',
            title: 'the update',
            sort: null,
            scale: { domain: ways, range: ['#000000', ...palette.slice(0, ways.length - 1)] },
          },
        },
      },
      {
        data: { values: crossings },
        mark: { type: 'point', size: 70, color: '#000000', strokeWidth: 1.5 },
        encoding: { x, y },
      },
    ],
  };
}

function costOf(unitCostUs: number, units: number): string {
  return (Math.round(unitCostUs * units * 10) / 10).toLocaleString('en');
}
