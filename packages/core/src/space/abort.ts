import { MirrorError } from '../driver/index.js';

/** @throws MirrorError `ABORTED` when the signal has fired, with its reason as cause */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw aborted(signal);
}

/** The error of an operation that a signal ended. */
export function aborted(signal: AbortSignal): MirrorError {
  return new MirrorError('ABORTED', 'the operation was aborted; nothing was lost', { cause: signal.reason });
}
