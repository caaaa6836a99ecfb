/**
 * Bytes that `run` leaves allocated on the JavaScript heap a call, garbage included, once it is warm: the least of several tries, since
 * the compiler also allocates when it feels like it. Needs a process with `--expose-gc`.
 */
export function bytesPerCall(run: () => void, calls: number, settle: () => void = () => undefined): number {
  let least = Infinity;
  for (let attempt = 0; attempt < 8; attempt++) {
    settle();
    collect();
    const before = process.memoryUsage().heapUsed;
    const between = process.memoryUsage().heapUsed;
    for (let i = 0; i < calls; i++) run();
    const after = process.memoryUsage().heapUsed;
    // The first pair says what asking costs.
    const bytes = after - between - (between - before);
    // A collection in between makes it negative: such a try says nothing.
    if (bytes >= 0 || -bytes < calls) least = Math.min(least, Math.max(0, bytes) / calls);
  }
  return least;
}

/** Collects all garbage. */
export function collect(): void {
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
