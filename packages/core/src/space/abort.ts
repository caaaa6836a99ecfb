import { MirrorError } from '../driver/index.js';

/** @throws MirrorError `ABORTED` when the signal has fired, with its reason as cause */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw aborted(signal);
}

/** @throws TypeError for what is neither a signal nor absent */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  // By what it can do: a signal of another realm is none of this one's class.
  if (typeof signal !== 'object' || signal === null || typeof signal.addEventListener !== 'function')
    throw new TypeError('signal must be an AbortSignal');
}

/** The error of an operation that a signal ended. */
export function aborted(signal: AbortSignal): MirrorError {
  return new MirrorError('ABORTED', 'the operation was aborted; nothing was lost', { cause: signal.reason });
}
