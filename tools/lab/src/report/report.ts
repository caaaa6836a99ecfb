import { type BareName, replayTrace } from '../bare/run.js';
import { columnsOf } from '../replay/columns.js';
import { type Job, nameOf, type ReplayRow, type Subject } from '../replay/job.js';
import { short } from '../text-table.js';
import { actorOf } from '../trace/page-trace.js';
import { type CurvePoint, missRatioFigure, timeFigure, timelineFigure } from './figures.js';
import { HeatMap } from './heat-map.js';
import { escaped, figure, figures, htmlTable } from './page.js';
import { Timeline } from './timeline.js';

/** Policies alone of which the miss-ratio curve is drawn. */
const CURVES: readonly BareName[] = ['fifo', 'lru', 'clock', 'sieve', 'arc', 'belady'];
/** Sizes of it, in hundredths of the pages. */
const SIZES = [5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 100];

/** What is reported of one trace: jobs of which the pictures are drawn, and more sizes for the curve of time. */
export async function sectionOf(subject: Subject, jobs: readonly Job[], curve: readonly Job[]): Promise<string[]> {
  const { shape, trace } = subject;
  const { heat, accesses } = await accessesOf(subject);
  const rows: ReplayRow[] = [];
  const timelines: { name: string; timeline: Timeline }[] = [];
  for (const job of jobs) {
    const timeline = new Timeline(accesses, shape.touched.extent);
    rows.push(await subject.run(job, { observer: timeline }));
    timelines.push({ name: labelOf(job), timeline });
  }
  const times: CurvePoint[] = [];
  for (const job of curve) {
    const { policy, estimatedUs, room, pages } = await subject.run(job);
    times.push({ series: policy, memory: room / pages, value: estimatedUs / 1000 });
  }
  const most = Math.max(...timelines.map(({ timeline }) => timeline.heat.most));
  return [
    `<h2>${escaped(nameOf(trace))}</h2>`,
    `<p>${short(accesses)} accesses of the device to ${short(shape.touched.size)} pages of ${trace.pageSize / 1024} KiB; ${short(shape.stored.size)} are written.</p>`,
    htmlTable(columnsOf(rows), rows),
    reasonsOf(rows),
    figures([
      figure(
        imageOf(heat.image(heat.most)),
        `All accesses: time runs to the right, pages upwards; up to ${short(heat.most)} a cell, by the logarithm.`,
      ),
      ...timelines.map(({ name, timeline }) =>
        figure(imageOf(timeline.heat.image(most)), `${name}: pages that got entries; up to ${short(most)} a cell.`),
      ),
    ]),
    figures([
      figure(await timelineFigure(timelines.map(({ name, timeline }) => ({ name, buckets: timeline.buckets }))), ''),
      figure(await missRatioFigure(await missRatios(subject)), ''),
      ...(times.length === 0 ? [] : [figure(await timeFigure(times), '')]),
    ]),
  ];
}

/** The accesses of the device by time and page. */
async function accessesOf({ trace, shape }: Subject): Promise<{ heat: HeatMap; accesses: number }> {
  const heat = new HeatMap(shape.records, shape.touched.extent);
  let [records, accesses] = [0, 0];
  for await (const { pages, metas, count } of trace.chunks()) {
    for (let i = 0; i < count; i++, records++) {
      if (shape.hasDevice && actorOf(metas[i]!) === 0) continue;
      heat.add(records, pages[i]!);
      accesses++;
    }
  }
  return { heat, accesses };
}

async function missRatios({ trace, shape }: Subject): Promise<CurvePoint[]> {
  const pages = shape.touched.size;
  const rooms = SIZES.map((size) => Math.max(1, Math.floor((size * pages) / 100)));
  const results = await replayTrace(trace, CURVES, rooms);
  return results.map(({ policy, room, missRatio }) => ({ series: policy, memory: room / pages, value: missRatio }));
}

/** Why pages came ahead and left, where the policies say. */
function reasonsOf(rows: readonly ReplayRow[]): string {
  const lines = rows.flatMap((row) => {
    const told = (reasons: Readonly<Record<string, number>>) =>
      Object.entries(reasons)
        .sort(([, a], [, b]) => b - a)
        .map(([reason, pages]) => `${reason} ${short(pages)}`)
        .join(', ');
    const [fetched, evicted] = [told(row.fetchReasons), told(row.evictionReasons)];
    return fetched + evicted === '' ? [] : [{ label: labelOf(row), fetched, evicted }];
  });
  if (lines.length === 0) return '';
  return htmlTable(
    [
      { title: 'why', text: ({ label }) => label },
      { title: 'pages came ahead', text: ({ fetched }) => fetched },
      { title: 'pages left', text: ({ evicted }) => evicted },
    ],
    lines,
  );
}

function labelOf({ policy, memory, window }: Job): string {
  return `${policy}, ${memory}, ${window === 1 ? 'serial' : `window ${window}`}`;
}

function imageOf(address: string): string {
  return `<img src="${address}" alt="">`;
}
