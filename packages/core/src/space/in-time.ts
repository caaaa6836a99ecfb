import { aborted } from './abort.js';

/** Checks how long something is to be waited for. @throws TypeError, RangeError */
export function checkTimeout(timeoutMs: number): void {
  if (typeof timeoutMs !== 'number') throw new TypeError(`timeoutMs must be a number, got ${typeof timeoutMs}`);
  if (!(timeoutMs > 0 && timeoutMs <= 2 ** 31 - 1))
    throw new RangeError(`timeoutMs must lie in 1 to ${2 ** 31 - 1}, got ${timeoutMs}`);
}

/**
 * Waits for work that may never end: resolves `true` when it is done, `false` after `ms` milliseconds; rejects as it does, or
 * with `ABORTED`. The work itself goes on.
 */
export function inTime(work: Promise<void>, ms: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const finish = (end: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      end();
    };
    const onAbort = () => finish(() => reject(aborted(signal!)));
    const timer = setTimeout(() => finish(() => resolve(false)), ms);
    signal?.addEventListener('abort', onAbort, { once: true });
    work.then(
      () => finish(() => resolve(true)),
      (error: Error) => finish(() => reject(error)),
    );
  });
}
