import { IdList, readAhead } from '../address/index.js';
import type { EvictionPolicy } from '../policy/index.js';

/** Blocked: the page in the frame is locked. */
export const BLOCK_LOCKED = 1;
/** Blocked: the frame was filled since the last work unit finished, and a unit may need it to get further (R8). */
const BLOCK_FRESH = 2;
/** Blocked: advice pins the page to this device. */
export const BLOCK_PINNED = 4;

/** Bit of `ownerOf`: the page's one entry is in the device page table. */
const INSTALLED = 0x80;

const ONE = new Uint32Array(1);

/** The frames of a device: which page each holds, which are free, which may be taken. 6 bytes a frame and the policy's own. */
export class FrameTable {
  readonly capacity: number;
  readonly policy: EvictionPolicy;
  /** The page in each frame that is in use. */
  readonly pageOf: Uint32Array;
  /** Which residency (host memory) the page belongs to, and INSTALLED. */
  private readonly ownerOf: Uint8Array;
  /** `BLOCK_*` bits: a frame that has any is no victim. */
  readonly blocked: Uint8Array;
  /** Frames freed and not reported to the device yet. */
  readonly given = new IdList();
  /** Frames ever used: those from here on were never taken. */
  made = 0;
  /** Frames given back, the last on top. A list through the frames themselves would cost a cache miss a frame, each waiting for the one before. */
  private readonly spare = new IdList();
  private fresh: Uint32Array = new Uint32Array(64);
  private freshCount = 0;
  private inUse = 0;

  constructor(capacity: number, policy: EvictionPolicy) {
    this.capacity = capacity;
    this.policy = policy;
    this.pageOf = new Uint32Array(capacity);
    this.ownerOf = new Uint8Array(capacity);
    this.blocked = new Uint8Array(capacity);
  }

  /** Metadata in bytes. */
  get bytes(): number {
    return (
      this.pageOf.byteLength +
      this.ownerOf.byteLength +
      this.blocked.byteLength +
      this.spare.items.byteLength +
      this.policy.bytes
    );
  }

  /** Frames that hold a page. */
  get used(): number {
    return this.inUse;
  }

  /** Whether the page in some frame is locked. Looks at every frame. */
  get anyLocked(): boolean {
    for (let frame = 0; frame < this.made; frame++) if ((this.blocked[frame]! & BLOCK_LOCKED) !== 0) return true;
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
    const frame = this.spare.length === 0 ? this.made++ : this.spare.items[--this.spare.length]!;
    this.inUse++;
    this.assign(frame, page, owner);
    return frame;
  }

  /** Reads what will be written of the next `count` free frames, all at once: one after another, each would be waited for. */
  readAheadFree(count: number): void {
    const { pageOf, ownerOf, blocked, spare } = this;
    let read = 0;
    for (let i = Math.max(0, spare.length - count); i < spare.length; i++) {
      const frame = spare.items[i]!;
      read |= pageOf[frame]! | ownerOf[frame]! | blocked[frame]!;
    }
    readAhead[0] = read;
  }

  /** Gives a frame that already left its page to another one. */
  assign(frame: number, page: number, owner: number): void {
    this.pageOf[frame] = page;
    this.ownerOf[frame] = owner;
    this.blocked[frame] = 0;
  }

  /** Frames that hold pages of a residency; counted one by one. */
  countOf(residency: number): number {
    let found = 0;
    for (let frame = 0; frame < this.made; frame++) found += Number(this.owner(frame) === residency);
    for (let i = 0; i < this.spare.length; i++) found -= Number(this.owner(this.spare.items[i]!) === residency);
    return found;
  }

  /** What is blocked for somebody who wants pages of one of `count` residencies only. */
  blockedBut(residency: number, count: number): Uint8Array {
    if (count === 1) return this.blocked;
    return this.blocked.map((blocked, frame) => blocked | Number(this.owner(frame) !== residency));
  }

  /** Number of the residency that a frame's page belongs to. */
  owner(frame: number): number {
    return this.ownerOf[frame]! & ~INSTALLED;
  }

  /** Whether the one entry that maps the frame's page is known to be in the device page table. */
  isInstalled(frame: number): boolean {
    return (this.ownerOf[frame]! & INSTALLED) !== 0;
  }

  /** Notes whether the entry is there. */
  setInstalled(frame: number, installed: boolean): void {
    if (installed) this.ownerOf[frame]! |= INSTALLED;
    else this.ownerOf[frame]! &= ~INSTALLED;
  }

  /** Frees a frame; what it holds is of no use to anybody. */
  give(frame: number): void {
    this.given.push(frame);
    ONE[0] = frame;
    this.policy.remove(ONE, 1);
    this.blocked[frame] = 0;
    this.spare.push(frame);
    this.inUse--;
  }

  /** Blocks a frame until work units get further. */
  markFresh(frame: number): void {
    this.blocked[frame]! |= BLOCK_FRESH;
    if (this.freshCount === this.fresh.length) {
      const grown = new Uint32Array(this.fresh.length * 2);
      grown.set(this.fresh);
      this.fresh = grown;
    }
    this.fresh[this.freshCount++] = frame;
  }

  /** Ends all fresh blocks: work went on, or the units in flight become fewer. */
  clearFresh(): void {
    for (let i = 0; i < this.freshCount; i++) this.blocked[this.fresh[i]!]! &= ~BLOCK_FRESH;
    this.freshCount = 0;
  }
}
