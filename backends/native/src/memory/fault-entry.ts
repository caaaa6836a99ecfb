import { parentPort, workerData } from 'node:worker_threads';
import { addon } from '../addon/load.js';
import { AT_ONCE, NUMBERS } from './fault-list.js';

/** What a worker that serves faults is given. */
export interface FaultJob {
  /** By which it adopts the userfaultfd. */
  readonly token: number;
  /** Two words: READY and ENDED. */
  readonly state: SharedArrayBuffer;
}

/** Set by the worker: it reads faults from now on. */
export const READY = 0;
/** Set by who started it: it is not wanted any more. */
export const ENDED = 1;

/** Longest wait until it looks whether it is wanted. */
const LOOK_MS = 100;

/** Reads faults in this worker until it is not wanted any more: what needs no JavaScript the addon serves on the way, others the thread with the memory is told of. */
export function serveFaults(): void {
  const { token, state } = workerData as FaultJob;
  const words = new Int32Array(state);
  const faults = addon().Userfault.adopt(token);
  const numbers = new Float64Array(NUMBERS * AT_ONCE);
  Atomics.store(words, READY, 1);
  Atomics.notify(words, READY);
  while (Atomics.load(words, ENDED) === 0) {
    const count = faults.wait(numbers, LOOK_MS);
    if (count > 0) parentPort!.postMessage(numbers.slice(0, NUMBERS * count));
  }
}
