import type { IdList } from '@mirrorspace/core';

/** Room for as many frames as there can be. */
export class Frames implements IdList {
  items: Uint32Array;
  length = 0;

  constructor(capacity: number) {
    this.items = new Uint32Array(capacity);
  }

  push(id: number): void {
    this.items[this.length++] = id;
  }

  reserve(): void {
    // There is room.
  }

  clear(): void {
    this.length = 0;
  }
}
