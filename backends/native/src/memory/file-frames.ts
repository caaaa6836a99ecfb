import { type ByteSource, LIVE_BLOCK, MirrorError, type SourceFrames } from '@mirrorspace/core';
import type { Addon } from '../addon/addon.js';
import type { FrameNumbers } from './frame-numbers.js';
import { MappedFile } from './mapped-file.js';
import { diskOf } from './native-file.js';

const SHIFT = Math.log2(LIVE_BLOCK);
const MASK = LIVE_BLOCK - 1;
/** Files of up to so many pages get numbers for all of them at once, so that ranges of them are held in one piece. */
const TOGETHER = 2 ** 18;

/** A block of frame numbers that stand for neighbouring pages of a file. */
interface Block {
  readonly file: MappedFile;
  /** The page of the file that its first number stands for. */
  readonly page: number;
  /** Which of its frames are in use, a byte each. */
  readonly used: Uint8Array;
  count: number;
}

/** Frames that are pages of files in the page cache. Pages of 4096 bytes only: of a larger one a part could lie behind the file's end. */
export class FileFrames implements SourceFrames {
  private readonly files = new WeakMap<ByteSource, MappedFile>();
  /** By block of frame numbers. */
  private readonly blocks = new Map<number, Block>();
  private last: Block | undefined;
  private lastNumber = -1;

  constructor(
    private readonly addon: Addon,
    private readonly pageSize: number,
    private readonly numbers: FrameNumbers,
    /** Counts frames as in use. @throws MirrorError `OUT_OF_HOST_MEMORY` */
    private readonly count: (frames: number) => void,
  ) {}

  get bytes(): number {
    return this.blocks.size * (LIVE_BLOCK + 200);
  }

  map(source: ByteSource, page: number, count: number): Uint32Array | undefined {
    const { addon, pageSize } = this;
    const disk = diskOf(source);
    if (disk === undefined || pageSize !== addon.pageSize) return undefined;
    // What lies behind the end in the last page is no file's.
    if ((page + count) * pageSize > Math.min(disk.length, source.size)) return undefined;
    let file = this.files.get(source);
    if (file === undefined) this.files.set(source, (file = new MappedFile(addon, disk, pageSize)));
    // A frame that somebody holds, although its page has left the cache, cannot be given out once more.
    for (let at = page; at < page + count; at++) if (this.isUsed(file, at)) return undefined;
    this.count(count);
    if (file.numbers.size === 0) this.reserve(file, Math.ceil(disk.length / pageSize));
    const frames = new Uint32Array(count);
    let made = 0;
    try {
      for (; made < count; made++) frames[made] = this.take(file, page + made);
    } catch (error) {
      for (let i = 0; i < made; i++) this.drop(frames[i]!);
      this.endUnused(file);
      this.count(-count);
      throw error;
    }
    return frames;
  }

  part(first: number, count: number): void {
    const block = this.blockOf(first)!;
    block.file.part(block.page + (first & MASK), count);
  }

  /** Whether a frame is one of ours and in use. */
  has(frame: number): boolean {
    return this.blocks.size > 0 && this.blockOf(frame)?.used[frame & MASK] === 1;
  }

  /** Whether any of some numbers is in a block of ours. */
  hasAny(first: number, count: number): boolean {
    if (this.blocks.size === 0) return false;
    for (let number = first >>> SHIFT; number <= (first + count - 1) >>> SHIFT; number++)
      if (this.blocks.has(number)) return true;
    return false;
  }

  free(frame: number): void {
    this.drop(frame);
    this.count(-1);
  }

  bufferOf(frame: number): Uint8Array {
    const block = this.blockOf(frame)!;
    return block.file.bufferOf(block.page + (frame & MASK));
  }

  offsetOf(frame: number): number {
    const block = this.blockOf(frame)!;
    return block.file.offsetOf(block.page + (frame & MASK));
  }

  /** The bytes of neighbours of one file, in one window; `undefined` for others. */
  view(first: number, count: number): Uint8Array | undefined {
    const block = this.blockOf(first);
    if (block === undefined) return undefined;
    for (let number = (first >>> SHIFT) + 1; number <= (first + count - 1) >>> SHIFT; number++) {
      const next = this.blocks.get(number);
      if (next?.file !== block.file || next.page !== block.page + ((number << SHIFT) - (first - (first & MASK))))
        return undefined;
    }
    const offset = this.offsetOf(first);
    const bytes = this.bufferOf(first);
    return offset + count * this.pageSize > bytes.length
      ? undefined
      : bytes.subarray(offset, offset + count * this.pageSize);
  }

  /** Takes numbers for all pages of a small file; where there are none they are taken block by block. */
  private reserve(file: MappedFile, pages: number): void {
    if (pages > TOGETHER) return;
    const count = Math.ceil(pages / LIVE_BLOCK) * LIVE_BLOCK;
    const first = this.numbers.take(count, LIVE_BLOCK);
    if (first >= 0) file.reserved = { first, count };
  }

  private isUsed(file: MappedFile, page: number): boolean {
    const number = file.numbers.get(page >>> SHIFT);
    return number !== undefined && this.blocks.get(number)!.used[page & MASK] === 1;
  }

  private blockOf(frame: number): Block | undefined {
    const number = frame >>> SHIFT;
    if (number !== this.lastNumber) {
      this.last = this.blocks.get(number);
      this.lastNumber = number;
    }
    return this.last;
  }

  private take(file: MappedFile, page: number): number {
    file.join(page);
    let number = file.numbers.get(page >>> SHIFT);
    if (number === undefined) {
      const first = file.reservedAt(page - (page & MASK)) ?? this.numbers.take(LIVE_BLOCK, LIVE_BLOCK);
      if (first < 0) throw new MirrorError('OUT_OF_HOST_MEMORY', 'no number is left for another frame: free pages');
      number = first >>> SHIFT;
      file.numbers.set(page >>> SHIFT, number);
      this.blocks.set(number, { file, page: page - (page & MASK), used: new Uint8Array(LIVE_BLOCK), count: 0 });
      this.lastNumber = -1;
    }
    const block = this.blocks.get(number)!;
    block.used[page & MASK] = 1;
    block.count++;
    return (number << SHIFT) + (page & MASK);
  }

  private drop(frame: number): void {
    const number = frame >>> SHIFT;
    const block = this.blocks.get(number)!;
    block.used[frame & MASK] = 0;
    if (--block.count > 0) return;
    this.blocks.delete(number);
    this.lastNumber = -1;
    block.file.numbers.delete(block.page >>> SHIFT);
    if (block.file.reservedAt(block.page) === undefined) this.numbers.give(number << SHIFT, LIVE_BLOCK);
    this.endUnused(block.file);
  }

  /** Gives back what a file has of which no page is in use. */
  private endUnused(file: MappedFile): void {
    if (file.numbers.size > 0) return;
    const { reserved } = file;
    if (reserved !== undefined) this.numbers.give(reserved.first, reserved.count);
    file.unmap();
  }
}
