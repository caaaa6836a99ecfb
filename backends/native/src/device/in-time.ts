import { MirrorError } from '@mirrorspace/core/driver';

/** Milliseconds that a driver may take for a request before somebody who waits is told. */
export const PATIENCE_MS = 30_000;

/**
 * Waits for a driver, which may never answer. The work itself goes on.
 * @param what - What is waited for, for the message.
 * @throws MirrorError `DEVICE_TIMEOUT` after `timeoutMs` milliseconds; or as the work rejects
 */
export function inTime<T>(device: string, what: string, work: Promise<T>, timeoutMs = PATIENCE_MS): Promise<T> {
  return new Promise((resolve, reject) => {
    const expired = () =>
      reject(
        new MirrorError(
          'DEVICE_TIMEOUT',
          `${device}: waited ${timeoutMs} ms for ${what}, which the driver has not answered; it is still under way`,
          { device },
        ),
      );
    const timer = setTimeout(expired, timeoutMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
