import {
  BIT_DIRTY,
  type CopyInCommand,
  type CopyOutCommand,
  type Device,
  type HostFrames,
  ZERO_FRAME,
} from '@mirrorspace/core/driver';
import type { BrokenDevice } from '../device.js';
import { rewriting, tap } from '../wrap.js';

const TAIL = 64;

function copyingIn(
  device: Device,
  change: (command: CopyInCommand) => CopyInCommand | readonly CopyInCommand[],
): Device {
  return rewriting(device, (command) => (command.kind === 'copyIn' ? change(command) : command));
}

function copyingOut(
  device: Device,
  change: (command: CopyOutCommand) => CopyOutCommand | readonly CopyOutCommand[],
): Device {
  return rewriting(device, (command) => (command.kind === 'copyOut' ? change(command) : command));
}

/** Host frames with one lost tail each. */
function short(host: HostFrames): HostFrames {
  return {
    pageSize: host.pageSize,
    offsetOf: () => 0,
    bufferOf(frame) {
      const from = host.offsetOf(frame);
      return host
        .bufferOf(frame)
        .slice(from, from + host.pageSize)
        .fill(0, host.pageSize - TAIL);
    },
  };
}

/** Entries of a copy that pass a test. */
function only(command: CopyInCommand, keep: (hostFrame: number) => boolean): CopyInCommand {
  const kept = Array.from({ length: command.count }, (_, i) => i).filter((i) => keep(command.hostFrames[i]!));
  const pick = (from: Uint32Array): Uint32Array => Uint32Array.from(kept, (i) => from[i]!);
  return { ...command, count: kept.length, hostFrames: pick(command.hostFrames), frames: pick(command.frames) };
}

/** Copies that move the wrong bytes. */
export const copies: readonly BrokenDevice[] = [
  {
    name: 'copies/in-to-the-wrong-frame',
    breaks: 'copyIn fills the frame beside the one it names',
    rules: ['CopyInCommand'],
    wrap: (device) =>
      copyingIn(device, (command) => ({ ...command, frames: command.frames.map((frame) => frame ^ 1) })),
  },
  {
    name: 'copies/in-too-short',
    breaks: 'copyIn loses the last bytes of each frame',
    rules: ['CopyInCommand'],
    wrap: (device) => copyingIn(device, (command) => ({ ...command, host: short(command.host) })),
  },
  {
    name: 'copies/host-offset-ignored',
    breaks: 'copies take a host frame to start where its buffer starts',
    rules: ['CopyInCommand', 'CopyOutCommand'],
    wrap: (device) =>
      copyingIn(device, (command) => {
        const { host } = command;
        return {
          ...command,
          host: { pageSize: host.pageSize, bufferOf: (frame) => host.bufferOf(frame), offsetOf: () => 0 },
        };
      }),
  },
  {
    name: 'copies/zero-frame-keeps-old-bytes',
    breaks: 'ZERO_FRAME leaves what was in the frame',
    rules: ['ZERO_FRAME'],
    wrap: (device) => copyingIn(device, (command) => only(command, (hostFrame) => hostFrame !== ZERO_FRAME)),
  },
  {
    name: 'copies/in-touches-the-next-frame',
    breaks: 'copyIn runs over into the frame behind',
    rules: ['R2', 'R3'],
    wrap: (device) =>
      copyingIn(device, (command) => {
        const frames = device.limits.memory / command.pageSize;
        const behind = command.frames.map((frame) => (frame + 1) % frames);
        return [{ ...command, frames: behind, hostFrames: new Uint32Array(command.count).fill(ZERO_FRAME) }, command];
      }),
  },
  {
    name: 'copies/when-ignored',
    breaks: 'copyOut copies clean frames over host frames',
    rules: ['CopyOutCommand.when'],
    wrap: (device) => copyingOut(device, ({ when: _, ...command }) => command),
  },
  {
    name: 'copies/dirty-stays-behind',
    breaks: 'copyOut with `when` copies nothing, dirty or not',
    rules: ['CopyOutCommand.when'],
    wrap: (device) => copyingOut(device, (command) => (command.when === undefined ? command : [])),
  },
  {
    name: 'copies/when-read-at-submit',
    breaks: 'copyOut looks at `when` before the commands that fill it ran',
    rules: ['CopyOutCommand.when'],
    wrap: (device) =>
      copyingOut(device, (command) =>
        command.when === undefined ? command : { ...command, when: command.when.slice() },
      ),
  },
  {
    name: 'copies/accessed-taken-for-dirty',
    breaks: 'copyOut copies where `when` has any bit',
    rules: ['CopyOutCommand.when'],
    wrap: (device) =>
      rewriting(device, (command) => {
        if (command.kind !== 'copyOut' || command.when === undefined) return command;
        const { when } = command;
        const any = new Uint8Array(when.length);
        return [tap(() => when.forEach((value, i) => void (any[i] = value && BIT_DIRTY))), { ...command, when: any }];
      }),
  },
];
