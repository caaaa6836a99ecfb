import { MirrorError } from '../driver/index.js';
import { inTime } from './in-time.js';
import { reasonOf, type SourceLimits } from './source.js';

/**
 * Writes to a source that are under way: at each offset one at a time, so that a late one never puts old bytes over newer ones.
 * Nobody waits longer than its limits say; what was begun then goes on by itself.
 */
export class Writes {
  private readonly name: string;
  private readonly underWay = new Map<number, Promise<void>>();

  /** @param name what errors call the source */
  constructor(name: string) {
    this.name = name;
  }

  /** Whether one is under way at an offset. */
  isUnderWay(offset: number): boolean {
    return this.underWay.has(offset);
  }

  /** Whether any is under way. */
  get any(): boolean {
    return this.underWay.size > 0;
  }

  /**
   * Waits for the write at an offset that somebody else began, however it ends.
   * @throws MirrorError `DEVICE_TIMEOUT`, `ABORTED`
   */
  async others(offset: number, limits: SourceLimits): Promise<void> {
    const work = this.underWay.get(offset);
    if (work === undefined) return;
    const ended = work.catch(() => undefined);
    if (!(await inTime(ended, limits.timeoutMs, limits.signal))) throw this.timedOut(offset, limits);
  }

  /** As {@link others}, for all offsets from one on. */
  async allFrom(offset: number, limits: SourceLimits): Promise<void> {
    for (const at of [...this.underWay.keys()]) if (at >= offset) await this.others(at, limits);
  }

  /**
   * Begins a write of pages at some offsets, ascending, where none is under way, and waits for it. `failed` is called at once when it
   * fails, or does not end in time.
   * @throws MirrorError `IO` with its error as cause, `DEVICE_TIMEOUT`, `ABORTED`
   */
  async begin(
    offsets: readonly number[],
    write: () => Promise<void> | void,
    failed: () => void,
    limits: SourceLimits,
  ): Promise<void> {
    const work = this.run(offsets, write, failed);
    for (const offset of offsets) this.underWay.set(offset, work);
    try {
      if (await inTime(work, limits.timeoutMs, limits.signal)) return;
    } catch (error) {
      failed();
      throw error;
    }
    failed();
    throw this.timedOut(offsets[0]!, limits);
  }

  private async run(offsets: readonly number[], write: () => Promise<void> | void, failed: () => void): Promise<void> {
    try {
      await write();
    } catch (cause) {
      failed();
      const what = `writing ${offsets.length} pages back at byte ${offsets[0]} of ${this.name} failed`;
      throw new MirrorError('IO', `${what}, they stay dirty: ${reasonOf(cause)}; sync again`, { cause });
    } finally {
      for (const offset of offsets) this.underWay.delete(offset);
    }
  }

  private timedOut(offset: number, { timeoutMs }: SourceLimits): MirrorError {
    return new MirrorError(
      'DEVICE_TIMEOUT',
      `waited ${timeoutMs} ms for ${this.name} to write at byte ${offset}; the page stays dirty: sync again when the source answers`,
    );
  }
}
