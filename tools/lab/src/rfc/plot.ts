import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { Row } from './experiment.js';
import type { Findings } from './report.js';

const WIDTH = 340;
const HEIGHT = 300;
const LOG = { type: 'log' } as const;
/** Marks at powers of ten only. */
const LOG_AXIS = { format: '~s', tickCount: 5 };
const LEGEND = { orient: 'bottom', direction: 'vertical', labelLimit: 0, titleLimit: 0, symbolType: 'stroke' };

/** Black for waiting, then darker as interrupting costs more. */
const COLORS = [
  '#000000',
  '#fcc5a0',
  '#fdae6b',
  '#fd8d3c',
  '#f16913',
  '#d94801',
  '#a63603',
  '#7f2704',
  '#7a0177',
  '#49006a',
];

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
    // Legends are measured generously where there is no canvas; only the plots decide where the next one is.
    bounds: 'flush',
    spacing: 100,
    resolve: { scale: { color: 'independent' } },
    hconcat: [inFront(placements), byRoundLength(roundLengths, breakEvens)],
  } as TopLevelSpec;
}

/** Flush time against commands in front; one line for what behaves alike. */
function inFront(rows: readonly Row[]): object {
  const values = alike(rows).flatMap(({ name, members }) =>
    members.map(({ scenario, outcome }) => ({
      front: scenario.front.toLocaleString('en'),
      series: name,
      us: outcome.flushUs,
    })),
  );
  return {
    title: 'Where the update goes',
    width: WIDTH,
    height: HEIGHT,
    data: { values },
    mark: { type: 'line', strokeWidth: 2, point: { filled: true, size: 50 } },
    encoding: {
      x: {
        field: 'front',
        type: 'ordinal',
        sort: null,
        title: 'commands in front of the update (1 ms each)',
        axis: { labelAngle: 0, grid: true },
      },
      y: { field: 'us', type: 'quantitative', scale: LOG, title: 'flush time (simulated µs)', axis: LOG_AXIS },
      color: {
        field: 'series',
        type: 'nominal',
        title: 'queue policy',
        sort: null,
        scale: { range: ['#1f77b4', '#ff7f0e', '#7b3294', '#2ca02c', '#8c564b', '#e377c2', '#7f7f7f', '#17becf'] },
        legend: { ...LEGEND, columns: 1 },
      },
    },
  };
}

interface Series {
  readonly name: string;
  readonly members: readonly Row[];
}

/** Rows by queue policy and priorities; what has the same figures is one series. */
function alike(rows: readonly Row[]): Series[] {
  const lines = groupBy(rows, ({ scenario }) => `${scenario.placement} ${scenario.priorities}`);
  const same = groupBy(lines, (line) => line.map(({ outcome }) => outcome.flushUs).join());
  return same.map((group) => {
    const scenarios = group.map((line) => line[0]!.scenario);
    const queues = [...new Set(scenarios.map(({ placement }) => placement))].join(', ');
    const priorities = new Set(scenarios.map((scenario) => scenario.priorities));
    const which = priorities.size === 2 ? '' : priorities.has(true) ? ' (device with priorities)' : ' (without)';
    return { name: queues + which, members: group[0]! };
  });
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

function byRoundLength(rows: readonly Row[], breakEvens: Findings['breakEvens']): object {
  const values = rows.map(({ scenario, outcome }) => ({
    cost: scenario.preemption === 'never' ? 0 : (scenario.preemptionUs ?? 0) * scenario.units,
    round: scenario.roundUs,
    us: outcome.flushUs,
  }));
  const costs = [...new Set(values.map(({ cost }) => cost))].sort((a, b) => a - b);
  const nameOf = (cost: number) =>
    cost === 0 ? 'wait' : `interrupt: ${(Math.round(cost * 10) / 10).toLocaleString('en')} µs`;
  const crossings = breakEvens.map(({ roundUs, flushUs }) => ({ round: roundUs, us: flushUs }));
  const x = {
    field: 'round',
    type: 'quantitative',
    scale: LOG,
    title: 'length of the round that runs (simulated µs)',
    axis: LOG_AXIS,
  };
  const y = { field: 'us', type: 'quantitative', scale: LOG, title: 'flush time (simulated µs)', axis: LOG_AXIS };
  return {
    title: 'Waiting, and interrupting at each cost (circles: break-even)',
    width: WIDTH,
    height: HEIGHT,
    layer: [
      {
        data: { values: values.map(({ cost, ...rest }) => ({ way: nameOf(cost), ...rest })) },
        mark: { type: 'line', strokeWidth: 2 },
        encoding: {
          x,
          y,
          color: {
            field: 'way',
            type: 'nominal',
            title: 'the update',
            scale: { domain: costs.map(nameOf), range: COLORS },
            legend: { ...LEGEND, orient: 'right', columns: 1 },
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
