import type { Device } from '@mirrorspace/core/driver';
import { memory, SimClock, type MemoryOptions } from '@mirrorspace/memory';
import type { TestedBackend } from '../src/index.js';

/** A simulated time that no case reaches by itself, in microseconds. */
const END_OF_TIME_US = 1e12;

/** The reference device with the companion that loss cases need: a device is lost when its clock jumps to the end of time. */
export function lossyMemory(): TestedBackend {
  const clocks = new WeakMap<Device, SimClock>();
  return {
    name: memory.name,
    probe: () => memory.probe(),
    async open(options) {
      const clock = new SimClock();
      const faults = [{ do: 'lose', at: { timeUs: END_OF_TIME_US } }] as const;
      const device = await memory.open({ ...(options as MemoryOptions | undefined), clock, faults });
      clocks.set(device, clock);
      return device;
    },
    conformance: {
      lose(device) {
        const clock = clocks.get(device);
        clock?.after(END_OF_TIME_US - clock.now, () => undefined);
      },
    },
  };
}
