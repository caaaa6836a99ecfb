import { hilbert } from 'mirrorspace/raytracer';

/** How a map of pages is laid out. */
export type Order = 'hilbert' | 'address';

/** Where each page goes on a map. */
export interface PageOrder {
  readonly width: number;
  readonly height: number;
  /** The cell of every page: row times width plus column. */
  readonly cells: Uint32Array;
}

/**
 * Places `pages` pages on a map that is two to five times as wide as high. Along a Hilbert curve, pages with near addresses are near
 * each other: squares stand side by side, each with a curve from its lower left corner to the lower right one, so that the next goes on there.
 */
export function placePages(pages: number, order: Order): PageOrder {
  let side = 1;
  while (2 * (2 * side) ** 2 <= pages) side *= 2;
  const squares = Math.ceil(pages / side ** 2);
  const cells = new Uint32Array(pages);
  if (order === 'address') {
    const width = Math.ceil(Math.sqrt(3 * pages));
    return { width, height: Math.ceil(pages / width), cells: cells.map((_, page) => page) };
  }
  const curve = Array.from(hilbert(side, side));
  // The curve's own end decides whether squares go on to the right or downwards.
  const [endX] = curve.at(-1)!;
  const isAcross = endX > 0 || side === 1;
  const width = squares * side;
  for (let page = 0; page < pages; page += 1) {
    const [a, b] = curve[page % side ** 2]!;
    const [along, up] = isAcross ? [a, b] : [b, a];
    const x = Math.floor(page / side ** 2) * side + along;
    cells[page] = (side - 1 - up) * width + x;
  }
  return { width, height: side, cells };
}
