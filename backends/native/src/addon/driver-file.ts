/** An open file whose number JavaScript never sees. It is closed by {@link close} of each thread that has it, or when it is collected. */
export interface DriverFile {
  /** Whether it was closed here. */
  readonly closed: boolean;
  /**
   * Waits for events off the event loop, at most `timeoutMs` (0 to 60000).
   *
   * @param events - As of `poll(2)`: 1 readable, 4 writable.
   * @returns The events that happened; 0 when none did in time.
   */
  poll(events: number, timeoutMs: number): Promise<number>;
  /** The events of those that `poll` would wait for that have happened; it does not wait. */
  look(events: number): number;
  /** A number by which another thread of this process can adopt it. */
  share(): number;
  /** Closes it; closing twice does nothing. */
  close(): void;
}
