import { type Column, short } from '../text-table.js';
import type { ReplayRow } from './job.js';
import { BASELINE } from './policies.js';

/** The row of the baseline with the same trace, size and window as another, where there is one. */
export function baselineOf(row: ReplayRow, rows: readonly ReplayRow[]): ReplayRow | undefined {
  const { trace, room, window } = row;
  return rows.find(
    (one) => one.policy === BASELINE && one.trace === trace && one.room === room && one.window === window,
  );
}

/** The columns of the table that `lab replay` prints. */
export function columnsOf(rows: readonly ReplayRow[]): Column<ReplayRow>[] {
  const relative = (title: string, of: (row: ReplayRow) => number): Column<ReplayRow> => ({
    title,
    text: (row) => {
      const baseline = baselineOf(row, rows);
      return baseline === undefined || of(baseline) === 0 ? '-' : (of(row) / of(baseline)).toFixed(2);
    },
  });
  const counted = (title: string, of: (row: ReplayRow) => number): Column<ReplayRow>[] => [
    { title, text: (row) => short(of(row)) },
    relative('/ uvm', of),
  ];
  return [
    { title: 'policy', text: ({ policy }) => policy, left: true },
    { title: 'room', text: ({ room }) => short(room) },
    { title: 'window', text: ({ window }) => (window === 1 ? 'serial' : short(window)) },
    ...counted('faults', ({ faults }) => faults),
    ...counted('batches', ({ batches }) => batches),
    ...counted('pages in', ({ pagesIn }) => pagesIn),
    {
      title: '/ Belady',
      text: ({ pagesIn, beladyPagesIn }) => (beladyPagesIn === null ? '-' : (pagesIn / beladyPagesIn).toFixed(2)),
    },
    { title: 'ahead', text: ({ prefetched }) => short(prefetched) },
    { title: 'wasted', text: ({ wasted }) => short(wasted) },
    ...counted('written back', ({ writeBacks }) => writeBacks),
    ...counted('MiB', ({ bytesIn, bytesOut }) => (bytesIn + bytesOut) / 2 ** 20),
    ...counted('stall ms', ({ stallUs }) => stallUs / 1000),
    ...counted('time ms', ({ estimatedUs }) => estimatedUs / 1000),
  ];
}
