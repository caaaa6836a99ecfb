/** Lets timers and other events of the process, worker or page run: the quickest macrotask there is. */
export function nextTurn(): Promise<void> {
  // Timers are clamped to a millisecond, in browsers to four, in which much work fits.
  const { setImmediate } = globalThis as { setImmediate?: (run: () => void) => unknown };
  return new Promise((resolve) => {
    if (setImmediate !== undefined) {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
