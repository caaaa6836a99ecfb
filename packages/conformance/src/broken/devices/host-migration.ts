import type { Command, Device, HostFrames } from '@mirrorspace/core/driver';
import { ZERO_FRAME } from '@mirrorspace/core/driver';
import type { BrokenDevice } from '../device.js';
import { rewriting } from '../wrap.js';

/** Runs a copy at once, on the queue, with other host frames. */
function withHostFrames(command: Extract<Command, { hostFrames: Uint32Array }>, hostFrames: Uint32Array): Command {
  return { ...command, hostFrames };
}

/** Host frames whose buffers are asked for once. */
function remembering(known: Map<number, { buffer: Uint8Array; offset: number }>, host: HostFrames): HostFrames {
  const of = (frame: number) => {
    let storage = known.get(frame);
    if (storage === undefined)
      known.set(frame, (storage = { buffer: host.bufferOf(frame), offset: host.offsetOf(frame) }));
    return storage;
  };
  return { pageSize: host.pageSize, bufferOf: (frame) => of(frame).buffer, offsetOf: (frame) => of(frame).offset };
}

function homesRemembered(device: Device, keep: (known: number | undefined, asked: number) => number): Device {
  /** Host frame that each device frame was first copied from. */
  const homes = new Map<number, number>();
  return rewriting(device, (command) => {
    if (command.kind === 'copyIn') {
      for (let i = 0; i < command.count; i++)
        if (command.hostFrames[i] !== ZERO_FRAME) homes.set(command.frames[i]!, command.hostFrames[i]!);
    }
    if (command.kind !== 'copyOut') return command;
    return withHostFrames(
      command,
      command.hostFrames.map((asked, i) => keep(homes.get(command.frames[i]!), asked)),
    );
  });
}

/** Devices that take a page’s host frame for something that stays. */
export const hostMigration: readonly BrokenDevice[] = [
  {
    name: 'host-migration/home-of-the-first-copy',
    breaks: 'copyOut writes to the host frame that the device frame was copied from',
    rules: ['CopyOutCommand.hostFrames'],
    wrap: (device) => homesRemembered(device, (known, asked) => known ?? asked),
  },
  {
    name: 'host-migration/buffer-kept',
    breaks: 'the buffer of a host frame is asked for once, and used for all later copies',
    rules: ['HostFrames.bufferOf'],
    wrap(device) {
      const known = new Map<number, { buffer: Uint8Array; offset: number }>();
      return rewriting(device, (command) =>
        command.kind === 'copyIn' || command.kind === 'copyOut'
          ? { ...command, host: remembering(known, command.host) }
          : command,
      );
    },
  },
  {
    name: 'host-migration/copied-when-needed',
    breaks: 'copyIn remembers where the bytes are, and copies them with the next submission',
    rules: ['CopyInCommand'],
    wrap(device) {
      let late: Command[] = [];
      return rewriting(device, (command) => {
        const before = late;
        late = [];
        if (command.kind !== 'copyIn') return [...before, command];
        late.push(command);
        return before;
      });
    },
  },
  {
    name: 'host-migration/copies-clean-the-bits',
    breaks: 'a copyIn to any frame clears the dirty bits of all entries: pages at new homes count as clean',
    rules: ['UnmapCommand.bits'],
    wrap(device) {
      let copied = false;
      return rewriting(device, (command) => {
        if (command.kind === 'copyIn') copied = true;
        if (command.kind !== 'unmap' || command.bits === undefined || !copied) return command;
        const { bits: _, ...rest } = command;
        return rest;
      });
    },
  },
];
