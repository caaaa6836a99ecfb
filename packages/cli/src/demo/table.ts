import { stripVTControlCharacters } from 'node:util';
import type { createColors } from 'picocolors';
import type { DemoFigures } from './figures.js';

type Colours = ReturnType<typeof createColors>;

/** Lays the figures of a run out as one table, a line each, ended by a line break. */
export function figuresTable(figures: DemoFigures, colours: Colours): string {
  const { deviceBytes, sceneBytes, pageSize } = figures;
  const moved = figures.bytesIn + figures.bytesOut;
  const rows: [name: string, value: string, note: string][] = [
    ['scene', size(sceneBytes), `${count(figures.triangles)} triangles, ${count(sceneBytes / pageSize)} pages`],
    ['device memory', size(deviceBytes), `${percent(deviceBytes, sceneBytes)} of the scene; ${figures.device}`],
    ['policies', figures.eviction, `eviction; prefetch: ${figures.prefetch}`],
    ['faults', count(figures.faults), `in ${count(figures.batches)} batches`],
    ['to the device', size(figures.bytesIn), `${count(figures.pagesIn)} pages`],
    ['from the device', size(figures.bytesOut), `${count(figures.pagesOut)} pages`],
    ['evictions', count(figures.evictions), 'pages'],
    ['copying everything', size(figures.copyEverythingBytes), copyNote(figures, moved)],
    ['time', seconds(figures.timeMs), timeNote(figures)],
    ['picture', figures.verified ? colours.green('equal') : colours.red('DIFFERENT'), pictureNote(figures)],
  ];
  const nameWidth = Math.max(...rows.map(([name]) => name.length));
  const valueWidth = Math.max(...rows.map(([, value]) => visible(value)));
  return rows
    .map(([name, value, note]) => {
      const gap = ' '.repeat(valueWidth - visible(value));
      return `  ${name.padEnd(nameWidth)}  ${gap}${colours.bold(value)}  ${colours.dim(note)}\n`;
    })
    .join('');
}

function copyNote({ copyEverythingBytes, deviceBytes }: DemoFigures, moved: number): string {
  const fits =
    copyEverythingBytes <= deviceBytes
      ? 'would fit'
      : `would need ${(copyEverythingBytes / deviceBytes).toFixed(1)}x the memory`;
  return `${fits}; paging moved ${percent(moved, copyEverythingBytes)} of it`;
}

function timeNote({ cpuRenderMs, deviceTimeMs }: DemoFigures): string {
  return `on the device (${seconds(deviceTimeMs)} by its own clock); ${seconds(cpuRenderMs)} on the CPU alone`;
}

function pictureNote({ comparison }: DemoFigures): string {
  const { steps, share, different, beyond, allowed, largest } = comparison;
  if (steps === 0 && share === 0) return "to the CPU's, bit for bit";
  const edges = `${count(beyond)} by more than ${steps} of 255 (${count(allowed)} may), none by more than ${largest}`;
  return `to the CPU's, but for rounding: ${count(different)} pixels differ, ${edges}`;
}

function visible(text: string): number {
  return stripVTControlCharacters(text).length;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function size(bytes: number): string {
  return bytes < 2 ** 20 ? `${(bytes / 2 ** 10).toFixed(1)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function percent(part: number, whole: number): string {
  return `${Math.round((part / whole) * 100)} %`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
