import { memorySwap, type SwapStore } from '@mirrorspace/core';
import { PAGE } from './helpers.js';

/** A swap store in memory that counts, waits and fails as it is told. */
export class TestSwap implements SwapStore {
  readonly size: number;
  reads = 0;
  writes = 0;
  gate: Promise<void> | undefined;
  fails: Error | undefined;
  private readonly inner: SwapStore;

  constructor(pages: number) {
    this.size = pages * PAGE;
    this.inner = memorySwap(this.size);
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    this.reads++;
    await this.gate;
    if (this.fails !== undefined) throw this.fails;
    await this.inner.read(offset, into);
  }

  async write(offset: number, from: Uint8Array): Promise<void> {
    this.writes++;
    await this.gate;
    if (this.fails !== undefined) throw this.fails;
    await this.inner.write(offset, from);
  }
}
