import type { Backend, Device } from '@mirrorspace/core/driver';
import { findBackend, type TestedBackend } from '../backend.js';

const REFERENCE = '@mirrorspace/memory';
/** Simulated microseconds after which every device is lost; no case gets there but by {@link TestedBackend.conformance}. */
const DOOM_US = 1e12;

interface SimulatedClock {
  after(delayUs: number, run: () => void): unknown;
}

/**
 * Loads the reference device, the correct device below every broken one. By name, at run time: the suite depends on no
 * backend. It is opened so that it can be lost: its simulated clock is taken forward to the loss that its script foresees.
 */
export async function loadReference(): Promise<TestedBackend> {
  const specifier: string = REFERENCE;
  const module = (await import(specifier)) as { readonly SimClock: new () => SimulatedClock };
  const backend: Backend = findBackend(module);
  const clocks = new WeakMap<Device, SimulatedClock>();
  return {
    name: backend.name,
    probe: () => backend.probe(),
    async open(options) {
      const clock = new module.SimClock();
      const faults = [{ do: 'lose', at: { timeUs: DOOM_US }, message: 'taken away by the suite' }];
      const device = await backend.open({ clock, faults, ...(options as object | undefined) });
      clocks.set(device, clock);
      return device;
    },
    conformance: { lose: (device) => void clocks.get(device)?.after(2 * DOOM_US, () => undefined) },
  };
}
