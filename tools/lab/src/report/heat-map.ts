import { encode } from 'fast-png';
import { scheme } from 'vega';

const [COLUMNS, ROWS] = [240, 120];

/** How often something happened, by time and page: a picture of both. */
export class HeatMap {
  private readonly counts = new Float64Array(COLUMNS * ROWS);
  private readonly times: number;
  private readonly pages: number;

  /** @param times how long it lasts @param pages how many there are: all numbers are below */
  constructor(times: number, pages: number) {
    this.times = Math.max(1, times);
    this.pages = Math.max(1, pages);
  }

  add(time: number, page: number): void {
    const column = Math.min(COLUMNS - 1, Math.floor((time / this.times) * COLUMNS));
    const row = Math.min(ROWS - 1, Math.floor((page / this.pages) * ROWS));
    this.counts[(ROWS - 1 - row) * COLUMNS + column]!++;
  }

  /** The greatest count of a cell. */
  get most(): number {
    return this.counts.reduce((a, b) => Math.max(a, b), 0);
  }

  /** A PNG, as an address to put into a page: white where nothing was, then by the logarithm, up to `most`. Page 0 is at the bottom. */
  image(most: number): string {
    const data = new Uint8Array(COLUMNS * ROWS * 3).fill(255);
    for (let i = 0; i < this.counts.length; i++) {
      const count = this.counts[i]!;
      if (count > 0) data.set(colorOf(Math.log1p(count) / Math.log1p(Math.max(1, most))), 3 * i);
    }
    const png = encode({ width: COLUMNS, height: ROWS, data, channels: 3, depth: 8 });
    return `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
  }
}

const colors = scheme('viridis') as (share: number) => string;

/** The lightest colors of the scale are hard to tell from white. */
const LIGHTEST = 0.15;

/** A color for 0 (light) to 1 (dark). */
function colorOf(share: number): number[] {
  const parts = /(\d+), (\d+), (\d+)/.exec(colors((1 - share) * (1 - LIGHTEST)));
  if (parts === null) throw new Error(`no color for ${share}`);
  return parts.slice(1).map(Number);
}
