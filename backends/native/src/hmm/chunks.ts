import { addon } from '../addon/load.js';
import type { Mapping } from '../addon/mapping.js';
import { mappedRanges } from '../process/mapped-ranges.js';
import { HMM_PAGE } from './abi.js';
import { notOurs } from './failure.js';

/** Pages that one request is made for: what the driver copies at once, and the scratch memory. */
export const PAGES_AT_ONCE = 256;

/** What a request is made for. */
export interface Chunk {
  readonly mapping: Mapping;
  readonly offset: number;
  readonly pages: number;
  /** Page of the whole range that is its first. */
  readonly first: number;
  /** First byte in the process; the memory may be gone by now. */
  readonly address: number;
  /** Page of the scratch memory that goes with its first. */
  readonly at: number;
}

/** The pieces of a range that one request can be made for. @throws MirrorError `ADDRESS_NOT_MAPPED` at the first that is not ours */
export function* chunksOf(device: string, address: number, pages: number): Generator<Chunk> {
  for (let first = 0; first < pages;) {
    const at = address + first * HMM_PAGE;
    const part = mappedRanges.find(at);
    if (part === undefined) throw notOurs(device, at);
    const count = Math.min(pages - first, PAGES_AT_ONCE, part.bytes / HMM_PAGE);
    yield { mapping: part.mapping, offset: part.offset, pages: count, first, address: at, at: 0 };
    first += count;
  }
}

/** Memory that the driver copies from and to, kept for the next request. */
export class Scratch {
  private readonly idle: Mapping[] = [];
  private closed = false;

  /** Memory for as many pages as a request can have. */
  take(): Mapping {
    return this.idle.pop() ?? addon().Mapping.reserve(PAGES_AT_ONCE * HMM_PAGE);
  }

  /** Gives it back. */
  rest(scratch: Mapping): void {
    if (this.closed) scratch.unmap();
    else this.idle.push(scratch);
  }

  /** What is idle goes at once, what is in use when it is given back. */
  close(): void {
    this.closed = true;
    for (const scratch of this.idle.splice(0)) scratch.unmap();
  }
}
