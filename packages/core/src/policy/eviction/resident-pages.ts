import { checkCapacity } from './check-frames.js';

/** Which page each frame holds, for policies that remember pages or look at neighbours: 8 bytes a frame. */
export class ResidentPages {
  private readonly pages: Float64Array;

  /** @throws RangeError when `capacity` is no integer in 0 … 2 ** 30 - 1 */
  constructor(capacity: number) {
    checkCapacity(capacity);
    this.pages = new Float64Array(capacity);
  }

  get bytes(): number {
    return this.pages.byteLength;
  }

  /** The page in a frame; NaN where its number is not known. */
  at(id: number): number {
    return this.pages[id]!;
  }

  /** Notes the page `pages[i]` in a frame. */
  set(id: number, pages: Float64Array | undefined, i: number): void {
    this.pages[id] = pages === undefined ? NaN : pages[i]!;
  }
}
