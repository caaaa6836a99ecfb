import { BIT_ACCESSED, ZERO_FRAME } from '@mirrorspace/core/driver';
import type { BrokenDevice } from '../device.js';
import { keyOf, rebitting, rewriting } from '../wrap.js';

/** Devices on which pages that leave and come back are not what they were, or not as warm. */
export const reclaim: readonly BrokenDevice[] = [
  {
    name: 'reclaim/copied-once',
    breaks: 'copyIn leaves out what it copied from the same host frame to the same device frame before',
    rules: ['R2: what left host memory', 'R2: memory equals a plain sequential model whatever leaves host memory'],
    wrap(device) {
      const from = new Map<number, number>();
      return rewriting(device, (command) => {
        if (command.kind !== 'copyIn') return command;
        const { frames, hostFrames } = command;
        const copied: number[] = [];
        for (let i = 0; i < command.count; i++) {
          if (hostFrames[i] === ZERO_FRAME || from.get(frames[i]!) !== hostFrames[i]) copied.push(i);
          from.set(frames[i]!, hostFrames[i]!);
        }
        const pick = (of: Uint32Array): Uint32Array => Uint32Array.from(copied, (i) => of[i]!);
        return { ...command, count: copied.length, frames: pick(frames), hostFrames: pick(hostFrames) };
      });
    },
  },
  {
    name: 'device-lru/new-entries-count-as-accessed',
    breaks: 'map sets BIT_ACCESSED',
    rules: ['HarvestCommand: BIT_ACCESSED: FLAG_ACCESSED'],
    wrap(device) {
      const fresh = new Set<string>();
      const told = rebitting(device, (command, found, i) => {
        if (fresh.delete(keyOf(command, i))) found[i]! |= BIT_ACCESSED;
      });
      return rewriting(told, (command) => {
        if (command.kind === 'map') for (let i = 0; i < command.count; i++) fresh.add(keyOf(command, i));
        return command;
      });
    },
  },
];
