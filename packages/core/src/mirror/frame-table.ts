import { IdList, readAhead } from '../address/index.js';
import { type EvictionPolicy, FRAME_BLOCKED, FRAME_DIRTY } from '../policy/index.js';
import { FreeFrames } from './free-frames.js';

/** Blocked: the page in the frame is locked. */
export const BLOCK_LOCKED = 1;
/** Blocked: the frame was filled since the last work unit finished, and a unit may need it to get further (R8). */
const BLOCK_FRESH = 2;
/** Blocked: advice pins the page to this device. */
export const BLOCK_PINNED = 4;

/** Bit of `ownerOf`: the page's one entry is in the device page table. */
const INSTALLED = 0x80;
/** Bit of `ownerOf`: that entry lets the device write. */
const WRITABLE = 0x40;

const ONE = new Uint32Array(1);
/** Most free frames that are read ahead. */
const AHEAD = 1024;

/** The frames of a device: which page each holds, which are free, which may be taken. 7 bytes a frame and the policy's own. */
export class FrameTable {
  readonly capacity: number;
  readonly policy: EvictionPolicy;
  /** The page in each frame that is in use. */
  readonly pageOf: Uint32Array;
  /** Which residency (host memory) the page belongs to, INSTALLED and WRITABLE. */
  private readonly ownerOf: Uint8Array;
  /** `BLOCK_*` bits, which are among those of FRAME_BLOCKED, and FRAME_DIRTY where the device's entry lets it write. */
  readonly flags: Uint8Array;
  /** By frame: 0 where somebody asked for the page, else 1 + the prefetch policy's reason, as long as nobody is known to have used it. */
  readonly ahead: Uint8Array;
  /** Frames freed and not reported to the device yet. */
  readonly given = new IdList();
  /** Frames ever used: those from here on were never taken. */
  made = 0;
  /** Frames given back. */
  private readonly spare: FreeFrames;
  private readonly next = new Uint32Array(AHEAD);
  private fresh: Uint32Array = new Uint32Array(64);
  private freshCount = 0;
  private inUse = 0;

  constructor(capacity: number, policy: EvictionPolicy) {
    this.capacity = capacity;
    this.spare = new FreeFrames(capacity);
    this.policy = policy;
    this.pageOf = new Uint32Array(capacity);
    this.ownerOf = new Uint8Array(capacity);
    this.flags = new Uint8Array(capacity);
    this.ahead = new Uint8Array(capacity);
  }

  /** Metadata in bytes. */
  get bytes(): number {
    return (
      this.pageOf.byteLength +
      this.ownerOf.byteLength +
      this.flags.byteLength +
      this.spare.bytes +
      this.ahead.byteLength +
      this.next.byteLength +
      this.policy.bytes
    );
  }

  /** Frames that hold a page. */
  get used(): number {
    return this.inUse;
  }

  /** Whether the page in some frame is locked. Looks at every frame. */
  get anyLocked(): boolean {
    for (let frame = 0; frame < this.made; frame++) if ((this.flags[frame]! & BLOCK_LOCKED) !== 0) return true;
    return false;
  }

  /** Frames that hold none. */
  get free(): number {
    return this.capacity - this.inUse;
  }

  /** Frames blocked as fresh. */
  get freshFrames(): number {
    return this.freshCount;
  }

  /** Takes a free frame for a page; there must be one. The caller tells the policy. */
  take(page: number, owner: number): number {
    const frame = this.spare.count === 0 ? this.made++ : this.spare.take();
    this.inUse++;
    this.assign(frame, page, owner);
    return frame;
  }

  /** Reads what will be written of the next `count` free frames, all at once: one after another, each would be waited for. */
  readAheadFree(count: number): void {
    const { pageOf, ownerOf, flags, next, spare } = this;
    const known = spare.peek(next.subarray(0, count));
    let read = 0;
    for (let i = 0; i < known; i++) {
      const frame = next[i]!;
      read |= pageOf[frame]! | ownerOf[frame]! | flags[frame]!;
    }
    readAhead[0] = read;
  }

  /** Gives a frame that already left its page to another one. */
  assign(frame: number, page: number, owner: number): void {
    this.pageOf[frame] = page;
    this.ownerOf[frame] = owner;
    this.flags[frame] = 0;
    this.ahead[frame] = 0;
  }

  /** Frames that hold pages of a residency; counted one by one. */
  countOf(residency: number): number {
    let found = 0;
    for (let frame = 0; frame < this.made; frame++)
      found += Number(this.owner(frame) === residency && !this.spare.has(frame));
    return found;
  }

  /** The flags for somebody who wants pages of one of `count` residencies only. */
  flagsBut(residency: number, count: number): Uint8Array {
    if (count === 1) return this.flags;
    return this.flags.map((flags, frame) => flags | (this.owner(frame) === residency ? 0 : BLOCK_LOCKED));
  }

  /** Number of the residency that a frame's page belongs to. */
  owner(frame: number): number {
    return this.ownerOf[frame]! & ~(INSTALLED | WRITABLE);
  }

  /** Whether the one entry that maps the frame's page is known to be in the device page table. */
  isInstalled(frame: number): boolean {
    return (this.ownerOf[frame]! & INSTALLED) !== 0;
  }

  /** Whether that entry lets the device write. */
  isWritable(frame: number): boolean {
    return (this.ownerOf[frame]! & WRITABLE) !== 0;
  }

  /** Notes whether the entry is there. */
  setInstalled(frame: number, installed: boolean, writable = false): void {
    this.ownerOf[frame]! &= ~(INSTALLED | WRITABLE);
    if (installed) this.ownerOf[frame]! |= writable ? INSTALLED | WRITABLE : INSTALLED;
  }

  /** Whether a frame may be given up. */
  isBlocked(frame: number): boolean {
    return (this.flags[frame]! & FRAME_BLOCKED) !== 0;
  }

  /** Notes whether what is in a frame may have to be copied home. */
  setDirty(frame: number, dirty: boolean): void {
    if (dirty) this.flags[frame]! |= FRAME_DIRTY;
    else this.flags[frame]! &= ~FRAME_DIRTY;
  }

  /** Frees a frame; what it holds is of no use to anybody. */
  give(frame: number): void {
    this.given.push(frame);
    ONE[0] = frame;
    this.policy.remove(ONE, 1);
    this.flags[frame] = 0;
    this.spare.add(frame);
    this.inUse--;
  }

  /** Blocks a frame until work units get further. */
  markFresh(frame: number): void {
    this.flags[frame]! |= BLOCK_FRESH;
    if (this.freshCount === this.fresh.length) {
      const grown = new Uint32Array(this.fresh.length * 2);
      grown.set(this.fresh);
      this.fresh = grown;
    }
    this.fresh[this.freshCount++] = frame;
  }

  /** Ends all fresh blocks: work went on, or the units in flight become fewer. */
  clearFresh(): void {
    for (let i = 0; i < this.freshCount; i++) this.flags[this.fresh[i]!]! &= ~BLOCK_FRESH;
    this.freshCount = 0;
  }
}
