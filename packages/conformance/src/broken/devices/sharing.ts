import { PTE_WRITE, type Command, type Device, type PageList, type UnmapCommand } from '@mirrorspace/core/driver';
import type { BrokenDevice } from '../device.js';
import { keyOf, rewriting } from '../wrap.js';

const rules = ['AddressSpace.merge'];

/** Which frame each entry leads to, and with which rights; kept up to date by what was sent before. */
class Entries {
  private readonly entries = new Map<string, { frame: number; access: number }>();

  /** Takes note of a command. */
  follow(command: Command): void {
    if (command.kind === 'map') {
      for (let i = 0; i < command.count; i++) {
        const entry = { frame: command.frames[i]!, access: command.access[i]! };
        this.entries.set(keyOf(command, i), entry);
      }
    } else if (command.kind === 'unmap') {
      for (let i = 0; i < command.count; i++) this.entries.delete(keyOf(command, i));
    } else if (command.kind === 'protect') {
      for (let i = 0; i < command.count; i++) {
        const entry = this.entries.get(keyOf(command, i));
        if (entry !== undefined) entry.access = command.access[i]!;
      }
    }
  }

  /** Whether an entry is there without the right to write. */
  isReadOnly(command: PageList, i: number): boolean {
    const entry = this.entries.get(keyOf(command, i));
    return entry !== undefined && (entry.access & PTE_WRITE) === 0;
  }

  /** Whether an entry other than this one leads to a frame. */
  isShared(frame: number, except: string): boolean {
    for (const [key, entry] of this.entries) if (entry.frame === frame && key !== except) return true;
    return false;
  }

  /** The frame that an entry leads to, or -1. */
  frameOf(command: PageList, i: number): number {
    return this.entries.get(keyOf(command, i))?.frame ?? -1;
  }
}

/** Changes commands by what the entries are when they are sent. */
function knowing(device: Device, change: (command: Command, entries: Entries) => Command | readonly Command[]): Device {
  const entries = new Entries();
  return rewriting(device, (command) => {
    const changed = change(command, entries);
    entries.follow(command);
    return changed;
  });
}

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
