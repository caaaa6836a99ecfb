/** Lets timers and other events of the process run. */
export function nextTurn(): Promise<void> {
  // Timers are clamped to a millisecond, in which much work fits.
  const { setImmediate = setTimeout } = globalThis as { setImmediate?: (run: () => void) => unknown };
  return new Promise((resolve) => void setImmediate(resolve));
}
