import { aborted } from './abort.js';

/** A condition that many may wait for: `fire` wakes all who wait at that moment. */
export class Signal {
  private waiters: (() => void)[] = [];

  /** Wakes every waiter. Costs nothing when there is none. */
  fire(): void {
    if (this.waiters.length === 0) return;
    const waiters = this.waiters;
    this.waiters = [];
    for (const wake of waiters) wake();
  }

  /**
   * Resolves `true` once `test` does, which is called at once and then within each `fire`, so that what it takes is taken before
   * anybody else learns that it is free; `false` after `ms` milliseconds in all.
   */
  until(test: () => boolean, ms: number): Promise<boolean> {
    if (test()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const wake = () => {
        if (!test()) {
          this.waiters.push(wake);
          return;
        }
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        this.waiters.splice(this.waiters.indexOf(wake), 1);
        resolve(false);
      }, ms);
      this.waiters.push(wake);
    });
  }

  /** Resolves `true` at the next `fire`, `false` after `ms` milliseconds; rejects with `ABORTED`. */
  wait(ms: number, signal?: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const finish = (end: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        const at = this.waiters.indexOf(wake);
        if (at >= 0) this.waiters.splice(at, 1);
        end();
      };
      const wake = () => finish(() => resolve(true));
      const onAbort = () => finish(() => reject(aborted(signal!)));
      const timer = setTimeout(() => finish(() => resolve(false)), ms);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.waiters.push(wake);
    });
  }
}
