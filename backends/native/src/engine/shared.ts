import { Layout, type Shape } from './layout.js';
import { HEAD } from './words.js';

/** The shared memories as one thread sees them. */
export class Shared {
  readonly layout: Layout;
  readonly words: Int32Array;
  readonly floats: Float64Array;
  readonly bytes: Uint8Array;
  /** The frames. */
  readonly pool: Uint8Array;
  readonly poolWords: Int32Array;

  constructor(
    readonly shape: Shape,
    readonly control: WebAssembly.Memory,
    readonly frames: WebAssembly.Memory,
  ) {
    this.layout = new Layout(shape);
    this.words = new Int32Array(control.buffer);
    this.floats = new Float64Array(control.buffer);
    this.bytes = new Uint8Array(control.buffer);
    this.pool = new Uint8Array(frames.buffer);
    this.poolWords = new Int32Array(frames.buffer);
  }

  /** A shared word. @param at byte offset of what it belongs to */
  load(at: number, word: number): number {
    return Atomics.load(this.words, (at >>> 2) + word);
  }

  store(at: number, word: number, value: number): void {
    Atomics.store(this.words, (at >>> 2) + word, value);
  }

  add(at: number, word: number, value: number): number {
    return Atomics.add(this.words, (at >>> 2) + word, value);
  }

  /** A number beside shared words, which say when it may be read. */
  number(at: number, word: number): number {
    return this.floats[(at >>> 3) + (word >>> 1)]!;
  }

  setNumber(at: number, word: number, value: number): void {
    this.floats[(at >>> 3) + (word >>> 1)] = value;
  }

  wake(at: number, word: number): void {
    Atomics.notify(this.words, (at >>> 2) + word);
  }

  /** There may be something for the engine to do. */
  ring(): void {
    Atomics.add(this.words, HEAD.doorbell, 1);
    Atomics.notify(this.words, HEAD.doorbell);
  }

  /** There is news for the host; `true`: it sleeps, and the caller is the one to wake it. */
  tell(): boolean {
    Atomics.add(this.words, HEAD.news, 1);
    return Atomics.load(this.words, HEAD.hostSleeps) === 1 && Atomics.exchange(this.words, HEAD.hostSleeps, 0) === 1;
  }
}
