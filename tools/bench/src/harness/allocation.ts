import { quartiles } from './quartiles.js';

/** What a call allocates that is known to: a meter that does not see it would say 0 of everything. */
let kept: object = {};
const allocating = () => {
  kept = { kept: undefined };
};

/**
 * Bytes that `run` leaves allocated on the JavaScript heap a call, garbage included, once it is warm: the least of several tries, since
 * the compiler also allocates when it feels like it. Needs a process with `--expose-gc`.
 */
export function bytesPerCall(run: () => void, calls: number): number {
  const seen = quartiles(tries(allocating, calls)).high;
  if (seen < 8 || kept === undefined) throw new Error(`the heap meter sees ${seen} bytes of an object`);
  return Math.min(...tries(run, calls));
}

function tries(run: () => void, calls: number): number[] {
  const results: number[] = [];
  for (let attempt = 0; attempt < 8; attempt++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    const between = process.memoryUsage().heapUsed;
    for (let i = 0; i < calls; i++) run();
    const after = process.memoryUsage().heapUsed;
    // The first pair says what asking costs.
    const bytes = after - between - (between - before);
    // A collection in between makes it negative: such a try says nothing.
    if (bytes >= 0) results.push(bytes / calls);
  }
  return results;
}

/** Collects all garbage. */
function collect(): void {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc');
  globalThis.gc();
  // Array buffers are freed beside the next collection.
  globalThis.gc();
}

/** Bytes the process holds for JavaScript: heap and array buffers, after a collection. */
export function bytesHeld(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
