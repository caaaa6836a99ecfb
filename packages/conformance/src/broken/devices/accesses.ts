import { whenSettled, type Command, type Device } from '@mirrorspace/core/driver';
import type { BrokenDevice } from '../device.js';
import { keyOf, refencing, rewriting } from '../wrap.js';

const WORD = 4;

/** Answers which frame a store leads to. */
function tracking(
  device: Device,
  store: (command: Extract<Command, { kind: 'write' }>, frame: number) => readonly Command[],
): Device {
  const frames = new Map<string, number>();
  const [pageSize = 0] = device.limits.pageSizes;
  return rewriting(device, (command) => {
    if (command.kind === 'map')
      for (let i = 0; i < command.count; i++) frames.set(keyOf(command, i), command.frames[i]!);
    if (command.kind !== 'write') return command;
    const page = Float64Array.of(Math.floor((command.address + command.from.length) / pageSize - 1 / pageSize));
    const frame = frames.get(keyOf({ mmu: command.mmu, pageSize, pages: page }, 0));
    return frame === undefined ? command : store(command, frame);
  });
}

/** Accesses that change or return bytes they should not. */
export const accesses: readonly BrokenDevice[] = [
  {
    name: 'accesses/store-touches-next-frame',
    breaks: 'a store changes bytes of the frame behind the one it leads to',
    rules: ['R3'],
    wrap: (device) =>
      tracking(device, (command, frame) => {
        const [pageSize = 0] = device.limits.pageSizes;
        const behind = Uint32Array.of((frame + 1) % (device.limits.memory / pageSize));
        const bytes = new Uint8Array(pageSize);
        const host = { pageSize, bufferOf: () => bytes, offsetOf: () => 0 };
        const common = { pageSize, count: 1, host, hostFrames: new Uint32Array(1), frames: behind };
        const spoil = { pageSize, offsetOf: () => 0, bufferOf: () => bytes.fill(0x5a, 0, WORD) };
        return [{ kind: 'copyOut', ...common }, command, { kind: 'copyIn', ...common, host: spoil }];
      }),
  },
  {
    name: 'accesses/store-rounded-to-words',
    breaks: 'a store writes whole words: zeros behind its last byte',
    rules: ['WriteCommand'],
    wrap: (device) =>
      rewriting(device, (command) => {
        if (command.kind !== 'write') return command;
        const from = new Uint8Array(Math.ceil(command.from.length / WORD) * WORD);
        from.set(command.from);
        return { ...command, from };
      }),
  },
  {
    name: 'accesses/fill-one-byte-short',
    breaks: 'fill leaves the last byte',
    rules: ['FillCommand'],
    wrap: (device) =>
      rewriting(device, (command) =>
        command.kind === 'fill' ? { ...command, bytes: Math.max(0, command.bytes - 1) } : command,
      ),
  },
  {
    name: 'accesses/read-returns-data-and-error',
    breaks: 'a read that fails has filled its buffer',
    rules: ['ReadCommand'],
    wrap: (device) =>
      refencing(device, (fence, commands) => {
        whenSettled(fence, () => {
          for (const command of commands) if (fence.error && command.kind === 'read') command.into.fill(0xa5);
        });
        return fence;
      }),
  },
  {
    name: 'accesses/atomic-previous-is-new',
    breaks: 'atomicAdd returns the value after the addition',
    rules: ['AtomicAddCommand: adds modulo'],
    wrap: (device) =>
      refencing(device, (fence, commands) => {
        whenSettled(fence, () => {
          for (const command of commands)
            if (fence.signaled && command.kind === 'atomicAdd') command.previous[0]! += command.value;
        });
        return fence;
      }),
  },
];
