import { checkPageSize } from '../../address/index.js';
import type { PrefetchPolicy, PrefetchRequest } from './types.js';

const BLOCK_BYTES = 64 * 1024;

/**
 * The sequential-local prefetcher: brings the whole aligned block of 64 KiB round each faulted page (Ganguly et al., "Interplay between hardware
 * prefetcher and page eviction policy in CPU-GPU unified virtual memory", ISCA 2019, section 4.1; what NVIDIA's driver does before it looks at its tree).
 */
export class LocalPrefetch implements PrefetchPolicy {
  readonly name = 'local';
  private readonly blockPages: number;

  /**
   * @param pageSize in bytes; pages of 64 KiB or more are blocks of their own
   * @throws TypeError or RangeError when it is no page size
   */
  constructor(pageSize: number) {
    this.blockPages = Math.max(1, BLOCK_BYTES / checkPageSize(pageSize));
  }

  plan(request: PrefetchRequest, out: Float64Array): number {
    const { faults, count, regionStart, regionEnd } = request;
    const { blockPages } = this;
    const limit = Math.min(request.room, out.length);
    let planned = 0;
    for (let i = 0; i < count;) {
      const block = Math.floor(faults[i]! / blockPages) * blockPages;
      const end = Math.min(block + blockPages, regionEnd);
      for (let page = Math.max(block, regionStart); page < end; page++) {
        if (i < count && faults[i] === page) i++;
        else if (planned >= limit) return planned;
        else if (!request.resident(page)) out[planned++] = page;
      }
    }
    return planned;
  }
}
