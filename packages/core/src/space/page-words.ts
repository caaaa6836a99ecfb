import type { HostMemory } from './host-memory.js';

const WORD_BYTES = 4;
/** Odd numbers without a pattern in their bits (those of MurmurHash3 and the golden ratio). */
const MIX_A = 0x85ebca6b;
const MIX_B = 0xc2b2ae35;
const MIX_C = 0x9e3779b1;
const MIX_D = 0x27d4eb2f;

/** Where the words of a page are. */
class Words {
  words: Uint32Array = new Uint32Array(0);
  /** Index of the page's first word. */
  at = 0;
  private buffer: Uint8Array | undefined;
  private copy: Uint8Array | undefined;

  /** Finds the words of a page. The view of a buffer is kept: neighbours mostly lie in the same one. */
  find(host: HostMemory, page: number): void {
    const buffer = host.bufferOf(page);
    const offset = host.offsetOf(page);
    if (buffer.byteOffset % WORD_BYTES !== 0) {
      // No array of words can lie there.
      this.copy ??= new Uint8Array(host.pageSize);
      this.copy.set(buffer.subarray(offset, offset + host.pageSize));
      this.use(this.copy);
      this.at = 0;
      return;
    }
    this.use(buffer);
    this.at = offset / WORD_BYTES;
  }

  private use(buffer: Uint8Array): void {
    if (this.buffer === buffer) return;
    this.words = new Uint32Array(buffer.buffer, buffer.byteOffset, Math.floor(buffer.byteLength / WORD_BYTES));
    this.buffer = buffer;
  }
}

/** Hashes and compares pages of host memory, word by word. */
export class PageWords {
  /** The hash that was last computed: 64 bits, in two words. */
  low = 0;
  high = 0;
  private readonly host: HostMemory;
  private readonly one = new Words();
  private readonly other = new Words();
  private readonly perPage: number;

  constructor(host: HostMemory) {
    this.host = host;
    this.perPage = host.pageSize / WORD_BYTES;
  }

  /**
   * Hashes a page into `low` and `high`; returns whether any of its bits is set. Four lanes, each over every fourth word, so that
   * the processor need not wait for one multiplication before the next; rotation, since a product carries bits upwards only.
   */
  hash(page: number): boolean {
    this.one.find(this.host, page);
    const { words, at } = this.one;
    const end = at + this.perPage;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    let any = 0;
    for (let i = at; i < end; i += 4) {
      const p = words[i]!;
      const q = words[i + 1]!;
      const r = words[i + 2]!;
      const s = words[i + 3]!;
      any |= p | q | r | s;
      a = Math.imul(((a << 13) | (a >>> 19)) ^ p, MIX_A);
      b = Math.imul(((b << 15) | (b >>> 17)) ^ q, MIX_B);
      c = Math.imul(((c << 17) | (c >>> 15)) ^ r, MIX_C);
      d = Math.imul(((d << 19) | (d >>> 13)) ^ s, MIX_D);
    }
    this.low = mix(mix(mix(a, b), c), d);
    this.high = mix(mix(mix(d, c), b), a);
    return any !== 0;
  }

  /** Whether two pages have the same bytes. */
  equal(page: number, other: number): boolean {
    this.one.find(this.host, page);
    this.other.find(this.host, other);
    const { words: one, at } = this.one;
    const { words: two, at: from } = this.other;
    const ahead = from - at;
    const end = at + this.perPage;
    for (let i = at; i < end; i += 4) {
      const j = i + ahead;
      const here = (one[i]! ^ two[j]!) | (one[i + 1]! ^ two[j + 1]!);
      if ((here | (one[i + 2]! ^ two[j + 2]!) | (one[i + 3]! ^ two[j + 3]!)) !== 0) return false;
    }
    return true;
  }
}

/** One word of two, in which every bit of both has its share. */
function mix(state: number, word: number): number {
  let mixed = state ^ Math.imul(word ^ (word >>> 16), MIX_A);
  mixed = Math.imul(mixed ^ (mixed >>> 13), MIX_B);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
