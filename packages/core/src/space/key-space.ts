import type { NotifierList } from '../notifier/index.js';

/** Page numbers a space has room for: 2^47 bytes in pages of 4096. */
export const KEYS_PER_SPACE = 2 ** 35;

/** What a page store knows of a space. */
export interface KeySpace {
  /** Key of its page 0. */
  readonly base: number;
  readonly pageSize: number;
  /** Who is told before its entries change. */
  readonly notifiers: NotifierList;
  /** Whether an untouched page at an address reads as zeros. */
  isAnonymous(address: number): boolean;
}

/** The spaces of a page store, each with keys of its own. */
export class KeySpaces {
  private readonly spaces: (KeySpace | undefined)[] = [];

  /** Takes a number for a space; returns its first key, `number * 2^35`. */
  open(space: KeySpace): number {
    let id = this.spaces.indexOf(undefined);
    if (id < 0) id = this.spaces.length;
    this.spaces[id] = space;
    return id * KEYS_PER_SPACE;
  }

  /** The space that a key belongs to. */
  at(key: number): KeySpace {
    return this.spaces[Math.floor(key / KEYS_PER_SPACE)]!;
  }

  /** Gives a space's keys back. */
  close(base: number): void {
    this.spaces[base / KEYS_PER_SPACE] = undefined;
  }
}
