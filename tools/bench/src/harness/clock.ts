/** `wall`: time that passes. `cpu`: time that this process computes, all its threads: steadier where others load the machine. */
export type ClockName = 'wall' | 'cpu';

const clocks: Readonly<Record<ClockName, () => number>> = {
  wall: () => performance.now(),
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};

let current = clocks.wall;

/** Chooses the clock of all measurements of this process. */
export function useClock(name: ClockName): void {
  current = clocks[name];
}

/** Milliseconds on the clock in use. */
export function now(): number {
  return current();
}
