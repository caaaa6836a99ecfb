import { HEAD } from './words.js';

/** Milliseconds after the last news for which the host looks again and again before it sleeps. */
const LOOK_MS = 0.1;

/**
 * Gives the host its turns: in a microtask after it was kicked, when a thread sends a message, and, for a while after either, in every turn of the event
 * loop. After that the host sleeps, and the next who has news sends a message. While nothing is under way it does none of this.
 */
export class NewsWatch {
  readonly #words: Int32Array;
  readonly #turn: (isNew: boolean) => boolean;
  #kicked = false;
  #looking = false;
  #news = 0;
  #freshMs = 0;

  /** @param turn does what can be done, and says whether something is under way then; `isNew`: threads had news since the last */
  constructor(words: Int32Array, turn: (isNew: boolean) => boolean) {
    this.#words = words;
    this.#turn = turn;
  }

  /** Something was submitted, or may go on. */
  kick(): void {
    if (this.#kicked) return;
    this.#kicked = true;
    queueMicrotask(() => {
      this.#kicked = false;
      this.#run(true);
    });
  }

  /** A thread sent a message. */
  hear(): void {
    this.#run(true);
  }

  readonly #look = (): void => {
    this.#looking = false;
    this.#run(false);
  };

  #run(isFresh: boolean): void {
    const news = Atomics.load(this.#words, HEAD.news);
    const isNew = news !== this.#news;
    this.#news = news;
    if (!this.#turn(isNew)) return;
    const now = performance.now();
    if (isFresh || isNew) this.#freshMs = now;
    if (now - this.#freshMs < LOOK_MS) {
      if (!this.#looking) setImmediate(this.#look);
      this.#looking = true;
      return;
    }
    Atomics.store(this.#words, HEAD.hostSleeps, 1);
    // What came before it slept sent no message.
    if (Atomics.load(this.#words, HEAD.news) !== this.#news) this.kick();
  }
}
