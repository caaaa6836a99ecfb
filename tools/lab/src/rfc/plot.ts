import { svgOf } from '../figure.js';
import type { Row } from './experiment.js';
import type { Findings } from './findings.js';

const WIDTH = 330;
const HEIGHT = 260;
const LOG = { type: 'log' } as const;
/** Marks at powers of ten only. */
const LOG_AXIS = { format: '~s', tickCount: 5 };
const LEGEND = {
  orient: 'bottom',
  direction: 'vertical',
  columns: 1,
  labelLimit: 0,
  titleLimit: 0,
  symbolType: 'stroke',
};
/** Colors that people tell apart who see colors differently (Okabe and Ito). */
const SERIES = ['#0072b2', '#e69f00', '#999999'];
/** Of those, paging queues are blue or green, and the user's queue is orange. */
const WAYS = ['#0072b2', '#009e73', '#56b4e9', '#e69f00', '#cc79a7', '#d55e00', '#000000', '#999999'];

/** Black for waiting, then darker as interrupting costs more. */
const COSTS = [
  '#000000',
  '#fdd0a2',
  '#fdae6b',
  '#fd8d3c',
  '#f16913',
  '#d94801',
  '#a63603',
  '#7f2704',
  '#7a0177',
  '#49006a',
];

/** Draws the findings as one SVG: rows of panels. */
export async function plot(findings: Findings): Promise<string> {
  return arrange([
    [
      await draw(callback(findings), 480),
      await draw(inFront(findings.sweep), 480),
      await draw(coalescing(findings), 480),
    ],
    [await draw(underLoad(findings), 880), await draw(byRoundLength(findings), 560)],
  ]);
}

/** A panel of its own: its markup, and the room it is given. */
interface Panel {
  readonly markup: string;
  readonly width: number;
  readonly height: number;
}

/** Draws a panel. Its width is said: without a canvas, Vega measures legends generously. */
async function draw(spec: object, width: number): Promise<Panel> {
  const markup = await svgOf(spec);
  return { markup, width, height: Number(/height="([\d.]+)"/.exec(markup)![1]) };
}

const MARGIN = 24;
const GAP = 32;

/** Puts panels side by side, and rows below each other. */
function arrange(rows: readonly (readonly Panel[])[]): string {
  const parts: string[] = [];
  let [right, y] = [0, MARGIN];
  for (const row of rows) {
    let x = MARGIN;
    for (const { markup, width } of row) {
      parts.push(markup.replace('<svg ', `<svg x="${x}" y="${y}" overflow="visible" `));
      x += width + GAP;
      right = Math.max(right, x - GAP + MARGIN);
    }
    y += Math.max(...row.map(({ height }) => height)) + GAP;
  }
  const size = `width="${right}" height="${y}" viewBox="0 0 ${right} ${y}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}><rect width="${right}" height="${y}" fill="white"/>${parts.join('')}</svg>\n`;
}

/** What the callback costs, against launches in front. */
function callback({ callbacks }: Findings): object {
  const values = callbacks.rows.map(({ situation, ns }) => ({
    front: situation.front.toLocaleString('en'),
    series: situation.mapped ? `flushes go to ${situation.placement}` : 'the device has none of the pages',
    ...ns,
  }));
  const x = ordinal('front', 'launches in front of the update (1 ms each)');
  const shift = { xOffset: { field: 'series', sort: null } };
  const color = { ...colorOf('series', 'callback'), scale: { range: SERIES } };
  const y = { type: 'quantitative', title: 'wall ns a page', scale: { zero: true } };
  return {
    title: 'The callback: median and quartiles',
    width: WIDTH,
    height: HEIGHT,
    data: { values },
    encoding: { x, ...shift, color },
    layer: [
      { mark: { type: 'rule', strokeWidth: 2 }, encoding: { y: { field: 'low', ...y }, y2: { field: 'high' } } },
      { mark: { type: 'point', filled: true, size: 55, opacity: 1 }, encoding: { y: { field: 'median', ...y } } },
    ],
  };
}

/** Flush time against launches in front; one line for what behaves alike. */
function inFront(rows: readonly Row[]): object {
  const values = alike(rows).flatMap(({ name, members }) =>
    members.map(({ scenario, outcome }) => ({
      front: scenario.front.toLocaleString('en'),
      series: name,
      us: outcome.flushUs,
    })),
  );
  return {
    title: 'The flush: where it goes, and whether it interrupts',
    width: WIDTH,
    height: HEIGHT,
    data: { values },
    mark: { type: 'line', strokeWidth: 2, point: { filled: true, size: 50 } },
    encoding: {
      x: ordinal('front', 'launches in front of the update (1 ms each)'),
      y: { field: 'us', type: 'quantitative', scale: LOG, title: 'flush time (simulated µs)', axis: LOG_AXIS },
      color: { ...colorOf('series', 'queue; preemption at 256 µs'), scale: { range: WAYS } },
    },
  };
}

interface Series {
  readonly name: string;
  readonly members: readonly Row[];
}

/** Rows by queue policy, priorities and preemption; what has the same figures is one series. */
function alike(rows: readonly Row[]): Series[] {
  const lines = groupBy(rows, ({ scenario }) => `${scenario.placement} ${scenario.priorities} ${scenario.preemption}`);
  const same = groupBy(lines, (line) => line.map(({ outcome }) => outcome.flushUs).join());
  return same.map((group) => {
    const scenarios = group.map((line) => line[0]!.scenario);
    const distinct = (values: readonly string[]) => [...new Set(values)].join(', ');
    const queues = distinct(scenarios.map(({ placement }) => placement));
    const priorities = new Set(scenarios.map((scenario) => scenario.priorities));
    const which = priorities.size === 2 ? '' : priorities.has(true) ? ' with priorities' : ' without priorities';
    const ways = new Set(scenarios.map(({ preemption }) => preemption));
    return { name: `${queues}${which}; ${ways.size === 3 ? 'any' : [...ways].join(' or ')}`, members: group[0]! };
  });
}

/** Commands a page, against pages a turn. */
function coalescing({ coalescing: rows }: Findings): object {
  const values = rows.map(({ placement, pagesPerTurn, commandsPerPage }) => ({
    turn: pagesPerTurn.toLocaleString('en'),
    series: `flushes go to ${placement}`,
    commands: commandsPerPage,
  }));
  return {
    title: 'Coalescing: 1,000 pages, some of them a turn',
    width: WIDTH,
    height: HEIGHT,
    data: { values },
    mark: { type: 'line', strokeWidth: 2, point: { filled: true, size: 50 } },
    encoding: {
      x: ordinal('turn', 'pages unmapped a turn, 100 launches in front'),
      y: {
        field: 'commands',
        type: 'quantitative',
        scale: LOG,
        title: 'commands an invalidated page',
        axis: { ...LOG_AXIS, format: '~g' },
      },
      color: { ...colorOf('series', 'queue'), scale: { range: SERIES } },
    },
  };
}

/** Flush time by placement and load: a field for each, darker as it takes longer. */
function underLoad({ queues }: Findings): object {
  const values = queues.flatMap(({ priorities, load, flushUs }) =>
    Object.entries(flushUs).map(([placement, us]) => ({
      device: priorities === 'none' ? 'no priorities' : priorities,
      load,
      placement,
      us,
      text: Math.round(us).toLocaleString('en'),
      dark: us > 3000,
    })),
  );
  const x = {
    field: 'placement',
    type: 'nominal',
    sort: null,
    title: null,
    axis: { labelAngle: -30, domain: false, ticks: false },
  };
  const y = {
    field: 'load',
    type: 'nominal',
    sort: null,
    title: null,
    axis: { domain: false, ticks: false, labelPadding: 8 },
  };
  return {
    title: { text: 'The four placements under load, by queue priorities: flush time (simulated µs)' },
    data: { values },
    facet: {
      column: {
        field: 'device',
        type: 'nominal',
        sort: ['no priorities', 'paging first', 'a user queue first'],
        title: null,
        header: { labelFontSize: 12 },
      },
    },
    spacing: 14,
    spec: {
      width: 232,
      height: HEIGHT,
      layer: [
        {
          mark: { type: 'rect', stroke: 'white', strokeWidth: 2 },
          encoding: {
            x,
            y,
            color: {
              field: 'us',
              type: 'quantitative',
              scale: { type: 'log', scheme: 'blues', domain: [1, 300_000] },
              legend: null,
            },
          },
        },
        {
          mark: { type: 'text', fontSize: 11 },
          encoding: {
            x,
            y,
            text: { field: 'text' },
            color: { condition: { test: 'datum.dark', value: 'white' }, value: '#222222' },
          },
        },
      ],
    },
  };
}

function byRoundLength({ roundLengths, breakEvens }: Findings): object {
  const values = roundLengths.map(({ scenario, outcome }) => ({
    cost: scenario.preemption === 'never' ? 0 : (scenario.preemptionUs ?? 0) * scenario.units,
    round: scenario.roundUs,
    us: outcome.flushUs,
  }));
  const costs = [...new Set(values.map(({ cost }) => cost))].sort((a, b) => a - b);
  const nameOf = (cost: number) =>
    cost === 0 ? 'wait' : `interrupt: ${(Math.round(cost * 10) / 10).toLocaleString('en')} µs`;
  const crossings = breakEvens.flatMap(({ roundUs, flushUs, randomRoundUs, randomFlushUs }) => [
    { round: roundUs, us: flushUs, moment: 'as a round begins' },
    { round: randomRoundUs, us: randomFlushUs, moment: 'at random moments (mean)' },
  ]);
  const x = {
    field: 'round',
    type: 'quantitative',
    scale: LOG,
    title: 'length of the round that runs (simulated µs)',
    axis: LOG_AXIS,
  };
  const y = { field: 'us', type: 'quantitative', scale: LOG, title: 'flush time (simulated µs)', axis: LOG_AXIS };
  return {
    title: {
      text: 'Waiting, interrupting, and where they break even',
      subtitle: '○ an update as a round begins, ◇ at random moments (mean)',
      subtitleFontSize: 11,
    },
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
            title: 'an update as a round begins',
            scale: { domain: costs.map(nameOf), range: COSTS },
            legend: { ...LEGEND, orient: 'right' },
          },
        },
      },
      {
        data: { values: crossings },
        mark: { type: 'point', size: 60, stroke: '#000000', fill: 'white', fillOpacity: 1, strokeWidth: 1.5 },
        encoding: {
          x,
          y,
          shape: {
            field: 'moment',
            type: 'nominal',
            sort: null,
            scale: { range: ['circle', 'diamond'] },
            legend: null,
          },
        },
      },
    ],
  };
}

function ordinal(field: string, title: string): object {
  return { field, type: 'ordinal', sort: null, title, axis: { labelAngle: 0, grid: true } };
}

function colorOf(field: string, title: string): object {
  return { field, type: 'nominal', title, sort: null, legend: LEGEND };
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
