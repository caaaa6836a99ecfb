import { PTE_WRITE, type Device, type UnmapCommand } from '@mirrorspace/core/driver';
import type { BrokenDevice } from '../device.js';
import { type Entries, knowing } from '../entries.js';
import { keyOf } from '../wrap.js';

const rules = ['AddressSpace.merge'];

/** Leaves those entries of an unmap in place for which `stays` holds; no bits are told of them. */
function unmapping(device: Device, stays: (entries: Entries, command: UnmapCommand, i: number) => boolean): Device {
  return knowing(device, (command, entries) => {
    if (command.kind !== 'unmap') return command;
    const { bits, ...rest } = command;
    const gone = Array.from({ length: command.count }, (_, i) => i).filter((i) => !stays(entries, command, i));
    if (gone.length === command.count) return command;
    bits?.fill(0, 0, command.count);
    return { ...rest, count: gone.length, pages: Float64Array.from(gone, (i) => command.pages[i]!) };
  });
}

/** Frames that several entries lead to, of one MMU or of several: what merging makes common. */
export const sharing: readonly BrokenDevice[] = [
  {
    name: 'sharing/read-only-outlives-unmap',
    breaks: 'unmap leaves entries without PTE_WRITE: a merged page that parted shows what it was',
    rules,
    wrap: (device) => unmapping(device, (entries, command, i) => entries.isReadOnly(command, i)),
  },
  {
    name: 'sharing/shared-frame-outlives-unmap',
    breaks: 'unmap leaves entries whose frame another entry leads to',
    rules,
    wrap: (device) =>
      unmapping(device, (entries, command, i) => entries.isShared(entries.frameOf(command, i), keyOf(command, i))),
  },
  {
    name: 'sharing/shared-frame-is-writable',
    breaks: 'an entry lets stores through where another entry leads to its frame already',
    rules,
    wrap: (device) =>
      knowing(device, (command, entries) => {
        if (command.kind !== 'map') return command;
        const shares = (i: number): boolean => entries.isShared(command.frames[i]!, keyOf(command, i));
        return { ...command, access: command.access.map((bits, i) => (shares(i) ? bits | PTE_WRITE : bits)) };
      }),
  },
  {
    name: 'sharing/second-entry-leads-beside',
    breaks: 'an entry leads to the frame beside its own where another entry leads there already',
    rules,
    wrap: (device) =>
      knowing(device, (command, entries) => {
        if (command.kind !== 'map') return command;
        const shares = (i: number): boolean => entries.isShared(command.frames[i]!, keyOf(command, i));
        return { ...command, frames: command.frames.map((frame, i) => (shares(i) ? frame ^ 1 : frame)) };
      }),
  },
];
