/** What is to be written where, in the order in which it was added. Reused. */
export class UploadList {
  readonly targets: GPUBuffer[] = [];
  /** First byte in the target. */
  readonly offsets: number[] = [];
  readonly sources: Uint8Array[] = [];
  /** First byte in the source. */
  readonly starts: number[] = [];
  readonly lengths: number[] = [];
  /** Bytes of all. */
  bytes = 0;

  get length(): number {
    return this.targets.length;
  }

  /** Adds bytes; offset and length are multiples of four. */
  add(target: GPUBuffer, offset: number, source: Uint8Array, start: number, length: number): void {
    this.targets.push(target);
    this.offsets.push(offset);
    this.sources.push(source);
    this.starts.push(start);
    this.lengths.push(length);
    this.bytes += length;
  }

  clear(): void {
    for (const list of [this.targets, this.offsets, this.sources, this.starts, this.lengths]) list.length = 0;
    this.bytes = 0;
  }
}
