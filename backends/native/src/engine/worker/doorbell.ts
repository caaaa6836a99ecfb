import { HEAD } from '../words.js';

/**
 * Looks at the doorbell before the thread goes to sleep: up to some ten microseconds, in which the host may send the next. To wake a thread costs more
 * than that; but so do they where the host has no processor of its own meanwhile. So there are many as long as they find something, few
 * otherwise, and now and then many again, to see whether that has changed.
 */
const LEAST_LOOKS = 16;
const MOST_LOOKS = 16_384;
const MISSES_A_TRIAL = 64;

/** Looks whether the doorbell rings again soon. */
export class Doorbell {
  readonly #words: Int32Array;
  #looks = LEAST_LOOKS;
  #misses = 0;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** Whether it counts on from `seen` within some looks. */
  ringsSoon(seen: number): boolean {
    const words = this.#words;
    for (let looks = this.#looks; looks > 0; looks--) {
      if (Atomics.load(words, HEAD.doorbell) === seen) continue;
      this.#looks = Math.min(MOST_LOOKS, this.#looks * 4);
      return true;
    }
    this.#misses++;
    this.#looks = this.#misses % MISSES_A_TRIAL === 0 ? MOST_LOOKS : Math.max(LEAST_LOOKS, this.#looks >> 1);
    return false;
  }
}
