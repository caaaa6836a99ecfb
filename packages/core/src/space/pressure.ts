/** What keeps a host memory small; see `Reclaimer`. */
export interface Pressure {
  /** Whether host memory is beyond the budget. */
  readonly over: boolean;
  /** Most pages to bring at a time, at least 1: a small part of the budget. */
  readonly portion: number;
  /** Whether `count` more pages fit the budget. */
  fits(count: number): boolean;
  /** Begins to get back to the budget, if host memory is beyond it. Synchronous. */
  kick(): void;
  /** Resolves when `count` more pages fit the budget, or nothing more can leave: to whether they fit. */
  makeRoom(count: number): Promise<boolean>;
  /** Frees a page where host memory has none left at all. @throws `refusal`, the error that said so, if nothing can leave */
  relieve(refusal: unknown): Promise<void>;
}
