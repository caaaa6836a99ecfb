import { checkPageSize } from '../address/index.js';
import { MirrorError } from '../driver/index.js';
import { HoldTracker } from '../tracking/index.js';
import type { HostCompaction, HostMemory } from './host-memory.js';
import { type Slab, sparseSlabs } from './sparse-slabs.js';

/** How managed memory is made. */
export interface ManagedMemoryOptions {
  /** Bytes a page; a power of two from 4096 to 2 MiB. Default 4096. */
  readonly pageSize?: number;
  /** Most bytes of pages in use. Default: no limit but the engine's. */
  readonly limit?: number;
}

const GRANULE_BYTES = 1 << 20;
const MAX_SLAB_BYTES = 1 << 30;
const MAX_FRAMES = 2 ** 30;
/** Most bytes of storage without pages that are kept for the next ones: what the engine gets back it frees only when it collects garbage. */
const SPARE_BYTES = 16 << 20;
/** Most partial granules that are searched for frames side by side. */
const LOOKED_AT = 16;

/** A granule is on the partial list. */
const LISTED = 1;
/** A granule is being emptied: nothing is given out of it. */
const WITHHELD = 2;

/**
 * Host memory in ArrayBuffers. Frames are grouped in granules of 1 MiB (or one page, if larger); a granule gets storage
 * when a frame in it is first used, and a run of fresh granules gets one slab, so that large ranges are contiguous.
 * @throws TypeError, RangeError for a bad page size or limit
 */
export function managedMemory(options: ManagedMemoryOptions = {}): HostMemory {
  if (typeof options !== 'object' || options === null) throw new TypeError('managedMemory takes an object of options');
  return new ManagedMemory(checkPageSize(options.pageSize ?? 4096), options.limit ?? Infinity);
}

class ManagedMemory implements HostMemory {
  readonly kind = 'managed';
  readonly tracker = new HoldTracker();
  readonly pageSize: number;
  readonly limit: number;
  used = 0;
  private readonly shift: number;
  private readonly perGranule: number;
  private readonly granuleBytes: number;
  private readonly slabs: (Uint8Array | undefined)[] = [];
  private readonly slabOffsets: number[] = [];
  /** Frames in use, by granule. */
  private counts = new Uint16Array(64);
  /** LISTED, WITHHELD or 0, by granule. */
  private listed = new Uint8Array(64);
  /** One bit a frame: in use. One word-aligned run a granule. */
  private taken: Uint32Array;
  /** One bit a frame: its storage may hold old bytes. */
  private soiled: Uint32Array;
  private readonly wordsPerGranule: number;
  private granules = 0;
  private partial: number[] = [];
  /** Storage of one granule each that no frame uses. */
  private readonly spare: Uint8Array[] = [];

  constructor(pageSize: number, limit: number) {
    if (typeof limit !== 'number') throw new TypeError(`limit must be a number of bytes, got ${typeof limit}`);
    if (!(limit >= pageSize))
      throw new RangeError(`limit must be at least one page of ${pageSize} bytes, got ${limit}`);
    this.pageSize = pageSize;
    this.limit = limit;
    this.granuleBytes = Math.max(GRANULE_BYTES, pageSize);
    this.perGranule = this.granuleBytes / pageSize;
    this.shift = Math.log2(this.perGranule);
    this.wordsPerGranule = Math.ceil(this.perGranule / 32);
    this.taken = new Uint32Array(64 * this.wordsPerGranule);
    this.soiled = new Uint32Array(64 * this.wordsPerGranule);
  }

  get metadataBytes(): number {
    const lists = this.tracker.bytes + 16 * this.slabs.length + 8 * this.partial.length;
    return this.counts.byteLength + this.listed.byteLength + this.taken.byteLength + this.soiled.byteLength + lists;
  }

  allocate(count: number): number {
    if (!Number.isSafeInteger(count) || count < 1) refuse('count', count);
    if ((this.used + count) * this.pageSize > this.limit) this.exhausted(count);
    const first = count === 1 ? this.allocateOne() : this.allocateRun(count);
    this.used += count;
    return first;
  }

  free(frame: number): void {
    const granule = frame >>> this.shift;
    const word = this.wordOf(frame);
    const bit = this.bitOf(frame);
    if (!Number.isInteger(frame) || frame < 0 || frame >= MAX_FRAMES || (this.taken[word]! & bit) === 0)
      refuse('frame in use', frame);
    this.taken[word]! &= ~bit;
    this.soiled[word]! |= bit;
    this.used--;
    this.tracker.forget(frame);
    if (--this.counts[granule]! === 0) this.dropStorage(granule);
    this.list(granule);
  }

  zero(frame: number): void {
    const word = this.wordOf(frame);
    const bit = this.bitOf(frame);
    if ((this.soiled[word]! & bit) === 0) return;
    const offset = this.offsetOf(frame);
    this.bufferOf(frame).fill(0, offset, offset + this.pageSize);
    this.soiled[word]! &= ~bit;
  }

  commit(first: number, count: number): void {
    const end = (first + count - 1) >>> this.shift;
    for (let granule = first >>> this.shift; granule <= end;) {
      let stop = granule;
      while (stop <= end && this.slabs[stop] === undefined && (stop - granule) * this.granuleBytes < MAX_SLAB_BYTES)
        stop++;
      if (stop > granule) this.addStorage(granule, stop - granule);
      granule = Math.max(stop, granule + 1);
    }
  }

  view(first: number, count: number): Uint8Array | undefined {
    const start = first >>> this.shift;
    const end = (first + count - 1) >>> this.shift;
    this.commit(first, count);
    const slab = this.slabs[start]!;
    for (let granule = start + 1; granule <= end; granule++) {
      const follows = this.slabOffsets[granule] === this.slabOffsets[granule - 1]! + this.granuleBytes;
      if (this.slabs[granule] !== slab || !follows) return undefined;
    }
    const offset = this.offsetOf(first);
    return slab.subarray(offset, offset + count * this.pageSize);
  }

  bufferOf(frame: number): Uint8Array {
    const slab = this.slabs[frame >>> this.shift];
    if (slab !== undefined) return slab;
    this.addStorage(frame >>> this.shift, 1);
    return this.slabs[frame >>> this.shift]!;
  }

  offsetOf(frame: number): number {
    const granule = frame >>> this.shift;
    if (this.slabs[granule] === undefined) this.addStorage(granule, 1);
    return this.slabOffsets[granule]! + (frame & (this.perGranule - 1)) * this.pageSize;
  }

  beginCompaction(): HostCompaction {
    const slabs = this.slabsInUse();
    const chosen = sparseSlabs(slabs, this.perGranule);
    const emptied = chosen.flatMap(({ granules }) => granules);
    for (const granule of emptied) this.listed[granule] = WITHHELD;
    this.partial = this.partial.filter((granule) => this.listed[granule] !== WITHHELD);
    const kept = slabs.flatMap(({ granules }) => granules).filter((granule) => this.listed[granule] !== WITHHELD);
    // The fullest first: the room that is left then lies together.
    kept.sort((a, b) => this.counts[b]! - this.counts[a]!);
    let next = 0;
    return {
      frames: this.framesIn(emptied),
      take: () => {
        while (next < kept.length && !this.hasRoom(kept[next]!)) next++;
        if (next === kept.length) return -1;
        this.used++;
        return this.takeIn(kept[next]!);
      },
      end: () => {
        const left = emptied.filter((granule) => this.counts[granule]! < this.perGranule);
        for (const granule of emptied) this.listed[granule] = 0;
        for (const granule of left) this.listed[granule] = LISTED;
        // Behind all others: what has storage is used first.
        this.partial = [...left, ...this.partial];
        return chosen
          .filter(({ granules }) => granules.every((granule) => this.slabs[granule] === undefined))
          .reduce((sum, { bytes }) => sum + bytes, 0);
      },
    };
  }

  private hasRoom(granule: number): boolean {
    return this.slabs[granule] !== undefined && this.counts[granule]! < this.perGranule;
  }

  /** All pieces of storage. */
  private slabsInUse(): Slab[] {
    const found = new Map<Uint8Array, Slab>();
    for (let granule = 0; granule < this.granules; granule++) {
      const bytes = this.slabs[granule];
      if (bytes === undefined) continue;
      let slab = found.get(bytes);
      if (slab === undefined) found.set(bytes, (slab = { bytes: bytes.byteLength, granules: [], live: 0 }));
      slab.granules.push(granule);
      slab.live += this.counts[granule]!;
    }
    return [...found.values()];
  }

  private framesIn(granules: readonly number[]): Uint32Array {
    const frames = new Uint32Array(granules.reduce((sum, granule) => sum + this.counts[granule]!, 0));
    let count = 0;
    for (const granule of granules) {
      const first = granule * this.perGranule;
      for (let frame = first; frame < first + this.perGranule; frame++)
        if ((this.taken[this.wordOf(frame)]! & this.bitOf(frame)) !== 0) frames[count++] = frame;
    }
    return frames;
  }

  private wordOf(frame: number): number {
    return (frame >>> this.shift) * this.wordsPerGranule + ((frame & (this.perGranule - 1)) >>> 5);
  }

  private bitOf(frame: number): number {
    return 1 << (frame & (this.perGranule - 1) & 31);
  }

  private allocateOne(): number {
    while (this.partial.length > 0) {
      const granule = this.partial[this.partial.length - 1]!;
      if (this.counts[granule]! < this.perGranule) return this.takeIn(granule);
      this.partial.pop();
      this.listed[granule] = 0;
    }
    const granule = this.addGranules(1);
    this.list(granule);
    return this.takeIn(granule);
  }

  private takeIn(granule: number): number {
    let word = granule * this.wordsPerGranule;
    const full = this.perGranule < 32 ? 2 ** this.perGranule - 1 : 0xffffffff;
    while (this.taken[word] === full) word++;
    const bit = 31 - Math.clz32(~this.taken[word]! & -~this.taken[word]!);
    this.taken[word]! |= 1 << bit;
    this.counts[granule]!++;
    return granule * this.perGranule + (word - granule * this.wordsPerGranule) * 32 + bit;
  }

  private allocateRun(count: number): number {
    if (count < this.perGranule) {
      const first = this.takeRun(count);
      if (first >= 0) return first;
    }
    const needed = Math.ceil(count / this.perGranule);
    let run = 0;
    let granule = 0;
    for (; granule < this.granules && run < needed; granule++) run = this.isEmpty(granule) ? run + 1 : 0;
    const start = granule - run;
    if (run < needed) this.addGranules(needed - run);
    for (let g = start, left = count; left > 0; g++, left -= this.perGranule) {
      const frames = Math.min(left, this.perGranule);
      this.counts[g] = frames;
      for (let word = 0; word * 32 < frames; word++) {
        const bits = Math.min(32, frames - word * 32);
        this.taken[g * this.wordsPerGranule + word] = bits === 32 ? 0xffffffff : 2 ** bits - 1;
      }
      if (frames < this.perGranule) this.list(g);
    }
    return start * this.perGranule;
  }

  /** Frames side by side in a granule that is in use in part; -1 where none has room for so many. */
  private takeRun(count: number): number {
    for (let i = this.partial.length - 1; i >= Math.max(0, this.partial.length - LOOKED_AT); i--) {
      const granule = this.partial[i]!;
      if (this.perGranule - this.counts[granule]! < count) continue;
      const first = granule * this.perGranule;
      let run = 0;
      for (let frame = first; frame < first + this.perGranule; frame++) {
        run = (this.taken[this.wordOf(frame)]! & this.bitOf(frame)) === 0 ? run + 1 : 0;
        if (run < count) continue;
        const start = frame + 1 - count;
        for (let taken = start; taken <= frame; taken++) this.taken[this.wordOf(taken)]! |= this.bitOf(taken);
        this.counts[granule]! += count;
        return start;
      }
    }
    return -1;
  }

  private isEmpty(granule: number): boolean {
    return this.counts[granule] === 0 && this.listed[granule] !== WITHHELD;
  }

  private list(granule: number): void {
    if (this.listed[granule] !== 0) return;
    this.listed[granule] = LISTED;
    this.partial.push(granule);
  }

  private addGranules(count: number): number {
    const first = this.granules;
    if ((first + count) * this.perGranule > MAX_FRAMES) this.exhausted(count * this.perGranule);
    this.granules += count;
    if (this.granules > this.counts.length) {
      const capacity = Math.max(this.granules, Math.ceil(this.counts.length * 1.5));
      this.counts = grown(this.counts, new Uint16Array(capacity));
      this.listed = grown(this.listed, new Uint8Array(capacity));
      this.taken = grown(this.taken, new Uint32Array(capacity * this.wordsPerGranule));
      this.soiled = grown(this.soiled, new Uint32Array(capacity * this.wordsPerGranule));
    }
    return first;
  }

  private addStorage(granule: number, count: number): void {
    const spare = count === 1 ? this.spare.pop() : undefined;
    let slab: Uint8Array;
    try {
      slab = spare?.fill(0) ?? new Uint8Array(count * this.granuleBytes);
    } catch (cause) {
      throw new MirrorError(
        'OUT_OF_HOST_MEMORY',
        `the engine has no ${count * this.granuleBytes} bytes left for pages; unmap regions or run with more memory`,
        { cause },
      );
    }
    for (let i = 0; i < count; i++) {
      this.slabs[granule + i] = slab;
      this.slabOffsets[granule + i] = i * this.granuleBytes;
      this.soiled.fill(0, (granule + i) * this.wordsPerGranule, (granule + i + 1) * this.wordsPerGranule);
    }
  }

  private dropStorage(granule: number): void {
    const slab = this.slabs[granule];
    this.slabs[granule] = undefined;
    const isWanted = this.listed[granule] !== WITHHELD && this.spare.length < SPARE_BYTES / this.granuleBytes;
    if (slab?.byteLength === this.granuleBytes && isWanted) this.spare.push(slab);
  }

  private exhausted(count: number): never {
    throw new MirrorError(
      'OUT_OF_HOST_MEMORY',
      `${count} pages of ${this.pageSize} bytes do not fit: ${this.used} are in use of at most ${this.limit} bytes; unmap regions or raise the limit`,
    );
  }
}

function refuse(what: string, value: number): never {
  const Kind = typeof value === 'number' ? RangeError : TypeError;
  throw new Kind(`${String(value)} is no ${what}`);
}

function grown<T extends Uint8Array | Uint16Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
