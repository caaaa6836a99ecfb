import type { TraceChunk } from './page-trace.js';

/** Records on their way from a reader of text to whoever asked for chunks. Grows to what one portion of text gives. */
export class RecordBuffer implements TraceChunk {
  pages = new Uint32Array(8192);
  metas = new Uint32Array(8192);
  count = 0;

  push(page: number, meta: number): void {
    if (this.count === this.pages.length) this.grow();
    this.pages[this.count] = page;
    this.metas[this.count++] = meta;
  }

  private grow(): void {
    const pages = new Uint32Array(this.pages.length * 2);
    const metas = new Uint32Array(pages.length);
    pages.set(this.pages);
    metas.set(this.metas);
    this.pages = pages;
    this.metas = metas;
  }
}
