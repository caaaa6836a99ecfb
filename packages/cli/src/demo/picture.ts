import { RESIDENT_DEVICE, RESIDENT_HOST } from '@mirrorspace/core';
import { Canvas, textSize, type Colour } from './canvas.js';
import type { ResidencyHistory } from './residency-recorder.js';

const PAPER: Colour = 0xfbfaf7;
const INK: Colour = 0x3b4252;
const FRAME: Colour = 0xc9c6be;

/** Colours by `RESIDENT_*` bits of host and device. */
const STATES = [
  { bits: 0, colour: 0xeeece6, label: 'nowhere yet' },
  { bits: RESIDENT_HOST, colour: 0x9db4cf, label: 'host' },
  { bits: RESIDENT_HOST | RESIDENT_DEVICE, colour: 0x2a9d8f, label: 'both' },
  { bits: RESIDENT_DEVICE, colour: 0xe76f51, label: 'device only' },
] as const;

const LEFT = 118;
const TOP = 58;
const PLOT_WIDTH = 840;
const BAND_GAP = 14;
const RIGHT = 20;
const BOTTOM = 44;

/**
 * Draws residency over time: rows are pages (mixed where several fall on one row), columns are the samples, colours say where
 * the pages were. The first history gets 480 rows, every other one 96.
 */
export function drawResidency(histories: readonly ResidencyHistory[], title: string): Buffer {
  const heights = histories.map((_, i) => (i === 0 ? 480 : 96));
  const plotHeight = heights.reduce((sum, height) => sum + height + BAND_GAP, -BAND_GAP);
  const canvas = new Canvas(LEFT + PLOT_WIDTH + RIGHT, TOP + plotHeight + BOTTOM, PAPER);
  canvas.text(LEFT, 12, title, INK);
  drawLegend(canvas, LEFT, 34);
  let top = TOP;
  histories.forEach((history, i) => {
    drawBand(canvas, top, heights[i]!, history);
    top += heights[i]! + BAND_GAP;
  });
  const samples = histories[0]?.samples.length ?? 0;
  drawTimeAxis(canvas, TOP + plotHeight + 8, samples);
  return canvas.png();
}

function drawLegend(canvas: Canvas, left: number, y: number): void {
  let x = left;
  for (const { colour, label } of STATES) {
    canvas.fill(x - 1, y - 1, 14, 12, FRAME);
    canvas.fill(x, y, 12, 10, colour);
    x = canvas.text(x + 20, y, label, INK) + 24;
  }
}

function drawBand(canvas: Canvas, top: number, height: number, { name, start, samples }: ResidencyHistory): void {
  canvas.fill(LEFT - 1, top - 1, PLOT_WIDTH + 2, height + 2, FRAME);
  canvas.text(12, top, name, INK);
  canvas.text(12, top + 18, `${samples[0]?.length ?? 0} pages`, INK);
  canvas.text(12, top + 36, start.toString(16), INK);
  for (let row = 0; row < height; row += 1) {
    for (let x = 0; x < PLOT_WIDTH; x += 1) {
      const sample = samples[Math.floor((x * samples.length) / PLOT_WIDTH)];
      if (sample !== undefined) canvas.fill(LEFT + x, top + row, 1, 1, mixed(sample, row, height));
    }
  }
}

function drawTimeAxis(canvas: Canvas, y: number, samples: number): void {
  for (let tick = 0; tick <= 4; tick += 1) {
    const x = LEFT + Math.round((tick / 4) * (PLOT_WIDTH - 1));
    canvas.fill(x, y - 7, 1, 5, INK);
    const label = tick === 4 ? `${samples} launches` : `${Math.round((tick / 4) * samples)}`;
    const { width } = textSize(label);
    canvas.text(tick === 0 ? x : tick === 4 ? x - width : x - width / 2, y + 2, label, INK);
  }
}

/** The mean colour of the pages that fall on `row` of `rows`. */
function mixed(sample: Uint8Array, row: number, rows: number): Colour {
  const first = Math.floor((row * sample.length) / rows);
  const end = Math.max(first + 1, Math.floor(((row + 1) * sample.length) / rows));
  let [red, green, blue] = [0, 0, 0];
  for (let page = first; page < end; page += 1) {
    const bits = (sample[page] ?? 0) & (RESIDENT_HOST | RESIDENT_DEVICE);
    const { colour } = STATES.find((state) => state.bits === bits)!;
    red += colour >>> 16;
    green += (colour >>> 8) & 0xff;
    blue += colour & 0xff;
  }
  const count = end - first;
  return (Math.round(red / count) << 16) | (Math.round(green / count) << 8) | Math.round(blue / count);
}
