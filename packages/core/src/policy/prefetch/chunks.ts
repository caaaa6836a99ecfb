import { checkPageSize } from '../../address/index.js';
import { checkEvicts } from './check-evicts.js';
import type { PrefetchPolicy, PrefetchRequest } from './types.js';

/** What is brought whole. */
export interface ChunkOptions {
  /** The name under which the policy is chosen. */
  readonly name: string;
  /** Bytes of the chunks, the largest first; page sizes. */
  readonly sizes: readonly number[];
  /** Whether a chunk may reach beyond its region, of which then only a part comes; else a smaller one is tried. */
  readonly clips: boolean;
  /** As {@link PrefetchPolicy.evicts}. */
  readonly evicts: number;
}

/**
 * Brings the largest aligned chunk round each faulted page that lies in its region: of 2 MiB, 64 KiB or 4 KiB in Xe (Linux, drm_gpusvm_range_chunk_size and
 * xe_svm's list of sizes); of 2 MiB, clipped to its region, in KFD (svm_range_restore_pages with default_granularity 9).
 */
export class ChunkPrefetch implements PrefetchPolicy {
  readonly name: string;
  readonly evicts: number;
  private readonly sizes: readonly number[];
  private readonly clips: boolean;

  /**
   * @param pageSize in bytes; smaller chunks are single pages
   * @throws TypeError or RangeError when it, or a chunk, is no page size, or `evicts` is not in 0 to 1
   */
  constructor(pageSize: number, { name, sizes, clips, evicts }: ChunkOptions) {
    const page = checkPageSize(pageSize);
    this.name = name;
    this.evicts = checkEvicts(evicts);
    this.sizes = sizes.map((bytes) => Math.max(1, checkPageSize(bytes) / page));
    this.clips = clips;
  }

  plan(request: PrefetchRequest, out: Float64Array): number {
    const { faults, count, regionStart, regionEnd } = request;
    const limit = Math.min(request.room, out.length);
    let planned = 0;
    let done = regionStart;
    for (let i = 0; i < count && planned < limit; i++) {
      if (faults[i]! < done) continue;
      const size = this.sizeAt(faults[i]!, regionStart, regionEnd);
      const chunk = Math.floor(faults[i]! / size) * size;
      const end = Math.min(chunk + size, regionEnd);
      let fault = i;
      for (let page = Math.max(chunk, done); page < end && planned < limit; page++) {
        while (fault < count && faults[fault]! < page) fault++;
        if ((fault < count && faults[fault] === page) || request.resident(page)) continue;
        if (request.thrashing?.(page) !== true) out[planned++] = page;
      }
      done = end;
    }
    return planned;
  }

  private sizeAt(page: number, regionStart: number, regionEnd: number): number {
    for (const size of this.sizes) {
      const chunk = Math.floor(page / size) * size;
      if (this.clips || (chunk >= regionStart && chunk + size <= regionEnd)) return size;
    }
    return 1;
  }
}
