const MAX_PAGES_PER_UNIT = 1024;

/**
 * How many work units may be in flight at once, so that replaying them makes progress when their pages do not all fit
 * (rule R8). A round without progress halves the window, a round with progress doubles it again.
 *
 * A round made progress when a unit finished. Alone, a unit may still need a round for each page that it touches, since
 * each replay finds only the next one missing; after that many, its pages can only be pushing each other out.
 */
export class ActiveWindow {
  private current: number;
  private fruitless = 0;
  private readonly max: number;
  private readonly limit: number;

  /**
   * @param max units in flight at most, at least 1
   * @param limit rounds at a window of one without progress after which it is stuck: the most pages a unit may touch
   * @throws RangeError when either is no positive integer
   */
  constructor(max: number, limit = MAX_PAGES_PER_UNIT) {
    if (!Number.isSafeInteger(max) || max < 1) throw new RangeError(`max must be a positive integer, got ${max}`);
    if (!Number.isSafeInteger(limit) || limit < 1)
      throw new RangeError(`limit must be a positive integer, got ${limit}`);
    this.max = max;
    this.limit = limit;
    this.current = max;
  }

  /** Work units that may be in flight in the next round. */
  get size(): number {
    return this.current;
  }

  /** Says that even a single unit made no progress for `limit` rounds: more rounds would not help. */
  get stuck(): boolean {
    return this.fruitless >= this.limit;
  }

  /** Takes note of a round and returns the number of units that may be in flight in the next one. */
  onRound(progressed: boolean): number {
    if (progressed) {
      this.fruitless = 0;
      this.current = Math.min(this.max, this.current * 2);
    } else if (this.current === 1) {
      this.fruitless++;
    } else {
      this.current = Math.floor(this.current / 2);
    }
    return this.current;
  }
}
