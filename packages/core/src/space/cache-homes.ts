import { MirrorError } from '../driver/index.js';
import type { SourceLimits } from './source.js';

/** Indexes of a cache: more than pages of 4096 bytes in 2^47. */
const INDEXES = 2 ** 35;
const MAX_CACHES = 2 ** 18;

/** What keeps pages beside any mapping: a memory object, by index. */
export interface PageCache {
  /** Whether its pages are those of a byte source, and can be read again. */
  readonly inFile: boolean;
  /** Whether the page at an index may have bytes that the source has no place for: those behind its end. */
  hasTail(index: number): boolean;
  /** Puts another page, already cached, at an index. */
  replace(index: number, page: number): void;
  /** Takes the page at an index out of the cache. */
  evict(index: number): void;
  /** As `evict`, but leaves an entry that names a slot of the swap store. */
  swapOut(index: number, entry: number): void;
  /** Writes dirty pages from `index` on back to the source; see `MemoryObject.writeBack`. */
  writeBack(index: number, count: number, limits: SourceLimits): Promise<number>;
}

/** Which cache keeps each cached page, and at which index: the reverse of the caches' own tables. 8 bytes a page, from the first cached one on. */
export class CacheHomes {
  /** Number of the cache times `INDEXES` plus the index, by page. */
  private homes = new Float64Array(0);
  private readonly caches: (PageCache | undefined)[] = [];

  /** Bytes of memory it takes. */
  get bytes(): number {
    return this.homes.byteLength + 8 * this.caches.length;
  }

  /** Takes a number for a cache. @throws MirrorError `OUT_OF_HOST_MEMORY` when there are too many */
  open(cache: PageCache): number {
    let id = this.caches.indexOf(undefined);
    if (id < 0) id = this.caches.length;
    if (id === MAX_CACHES) {
      throw new MirrorError(
        'OUT_OF_HOST_MEMORY',
        `${MAX_CACHES} sources or shared regions have pages already; unmap some`,
      );
    }
    this.caches[id] = cache;
    return id;
  }

  /** Gives a number back; the cache keeps nothing any more. */
  close(id: number): void {
    this.caches[id] = undefined;
  }

  /** Notes where a page is cached. */
  enter(page: number, id: number, index: number): void {
    if (page >= this.homes.length) {
      const homes = new Float64Array(Math.max(page + 1, 64, Math.ceil(this.homes.length * 1.5)));
      homes.set(this.homes);
      this.homes = homes;
    }
    this.homes[page] = id * INDEXES + index;
  }

  /** The cache that keeps a cached page. */
  cacheOf(page: number): PageCache {
    return this.caches[Math.floor(this.homes[page]! / INDEXES)]!;
  }

  /** The index at which it keeps it. */
  indexOf(page: number): number {
    return this.homes[page]! % INDEXES;
  }

  /** What stands for the home of a cached page when the page is swapped out: a negative number. */
  referenceOf(page: number): number {
    return -1 - this.homes[page]!;
  }

  /** The reference of a cache and an index. */
  reference(id: number, index: number): number {
    return -1 - (id * INDEXES + index);
  }

  /** Puts a page that is back where the reference says. */
  restore(reference: number, page: number): void {
    const home = -1 - reference;
    this.caches[Math.floor(home / INDEXES)]!.replace(home % INDEXES, page);
  }
}
