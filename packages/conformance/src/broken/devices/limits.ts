import type { Device, DeviceLimits } from '@mirrorspace/core/driver';
import type { BrokenDevice } from '../device.js';
import { override, relisting, rewriting } from '../wrap.js';

function limited(device: Device, limits: Partial<DeviceLimits>): Device {
  return override(device, { limits: { ...device.limits, ...limits } });
}

/** Takes numbers of frames for those of a smaller memory. */
function wrapping(device: Device): Device {
  return rewriting(device, (command) => {
    if (!('frames' in command)) return command;
    const count = device.limits.memory / command.pageSize;
    return { ...command, frames: command.frames.map((frame) => frame % count) };
  });
}

/** Limits, clocks and probes that lie. */
export const limits: readonly BrokenDevice[] = [
  {
    name: 'limits/memory-doubled',
    breaks: 'claims twice the memory; frames beyond it are those at its start',
    rules: ['limits.memory: `memory / pageSize` frames'],
    wrap: (device) => limited(wrapping(device), { memory: 2 * device.limits.memory }),
  },
  {
    name: 'limits/frames-unchecked',
    breaks: 'takes frame numbers beyond its memory',
    rules: ['limits.memory: a frame number'],
    wrap: wrapping,
  },
  {
    name: 'limits/long-lists-cut',
    breaks: 'runs a thousand pages of a list and forgets the rest',
    rules: ['limits.pagesPerCommand: a command may list'],
    wrap: (device) =>
      rewriting(device, (command) =>
        'count' in command && command.count !== undefined
          ? { ...command, count: Math.min(1000, command.count) }
          : command,
      ),
  },
  {
    name: 'limits/long-lists-taken',
    breaks: 'takes lists that are longer than it says, and runs their start',
    rules: ['limits.pagesPerCommand: most pages'],
    wrap: (device) =>
      rewriting(device, (command) =>
        'count' in command && command.count !== undefined
          ? { ...command, count: Math.min(device.limits.pagesPerCommand, command.count) }
          : command,
      ),
  },
  {
    name: 'limits/long-submissions-taken',
    breaks: 'takes submissions that are longer than it says, and runs their start',
    rules: ['limits.commandsPerSubmit'],
    wrap: (device) => relisting(device, (commands) => commands.slice(0, device.limits.commandsPerSubmit)),
  },
  {
    name: 'limits/buffer-smaller',
    breaks: 'the fault buffer holds less than limits.faultBuffer',
    rules: ['FaultSource'],
    options: { faultBuffer: 8 },
    wrap: (device) => limited(device, { faultBuffer: 64 }),
  },
  {
    name: 'limits/wide-addresses',
    breaks: 'opens MMUs for more address bits than it has',
    rules: ['Device.createMmu'],
    wrap: (device) =>
      override(device, {
        createMmu: ({ addressBits, ...options }) =>
          device.createMmu({
            ...options,
            addressBits: addressBits > device.limits.addressBits ? device.limits.addressBits : addressBits,
          }),
      }),
  },
  {
    name: 'limits/probe-denies',
    breaks: 'probe says that no device is there, and open opens one',
    rules: ['Backend.probe'],
    probe: () => Promise.resolve({ available: false, devices: [], reason: 'none was found' }),
    wrap: (device) => device,
  },
  {
    name: 'limits/clock-backwards',
    breaks: 'now() runs backwards',
    rules: ['Device.now'],
    wrap(device) {
      let now = 1e6;
      return override(device, { now: () => now-- });
    },
  },
];
