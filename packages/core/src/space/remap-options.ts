/** Which pages of a region are to be seen where; see `Region.remapPages`. */
export interface RemapPagesOptions {
  /** First byte of the region that changes, a multiple of the page size. */
  readonly offset: number;
  /** Bytes that change, whole pages. */
  readonly bytes: number;
  /**
   * What is to be seen there, a multiple of the page size: of a shared region, the bytes of its source (or of its shared memory) from this
   * offset; of private anonymous memory, the bytes of the region from this offset, which change places with what was there.
   */
  readonly from: number;
  /**
   * How devices learn of it: the two answers of the 2014 RFC. `callback`: entries change at once, under the notifiers' callbacks, and a
   * flush carries that to devices afterwards. `unmap-flush`: devices lose the old entries first, while whoever touches the pages
   * waits, and then they change. The result is the same. Default `callback`.
   */
  readonly form?: 'callback' | 'unmap-flush';
}
