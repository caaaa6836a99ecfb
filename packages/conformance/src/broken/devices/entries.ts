import { PTE_WRITE, type Command, type Device, type MapCommand } from '@mirrorspace/core/driver';
import type { BrokenDevice } from '../device.js';
import { keyOf, override, rewriting } from '../wrap.js';

/** Changes map commands. */
function remapping(device: Device, change: (command: MapCommand) => Command | readonly Command[]): Device {
  return rewriting(device, (command) => (command.kind === 'map' ? change(command) : command));
}

/** Remembers which entries are there, and what each was first mapped with. */
function remembering(device: Device, change: (command: MapCommand, first: (i: number) => Entry) => Command): Device {
  const present = new Map<string, Entry>();
  return rewriting(device, (command) => {
    if (command.kind === 'unmap') for (let i = 0; i < command.count; i++) present.delete(keyOf(command, i));
    if (command.kind !== 'map') return command;
    return change(command, (i) => {
      const key = keyOf(command, i);
      const entry = present.get(key) ?? { frame: command.frames[i]!, access: command.access[i]! };
      present.set(key, entry);
      return entry;
    });
  });
}

interface Entry {
  readonly frame: number;
  readonly access: number;
}

/** Page table entries that are not what the commands say. */
export const entries: readonly BrokenDevice[] = [
  {
    name: 'entries/map-keeps-old-rights',
    breaks: 'mapping a page that is present keeps its old rights',
    rules: ['MapCommand'],
    wrap: (device) =>
      remembering(device, (command, first) => ({ ...command, access: command.access.map((_, i) => first(i).access) })),
  },
  {
    name: 'entries/map-keeps-old-frame',
    breaks: 'mapping a page that is present keeps its old frame',
    rules: ['MapCommand'],
    wrap: (device) =>
      remembering(device, (command, first) => ({ ...command, frames: command.frames.map((_, i) => first(i).frame) })),
  },
  {
    name: 'entries/read-only-is-writable',
    breaks: 'entries without PTE_WRITE let stores through',
    rules: ['read-only-maps'],
    wrap: (device) =>
      remapping(device, (command) => ({ ...command, access: command.access.map((access) => access | PTE_WRITE) })),
  },
  {
    name: 'entries/large-page-mistranslated',
    breaks: 'an entry of a larger page leads to the frame beside its own',
    rules: ['MapCommand', 'page-sizes'],
    wrap: (device) =>
      remapping(device, (command) =>
        command.pageSize === device.limits.pageSizes[0]
          ? command
          : { ...command, frames: command.frames.map((frame) => frame ^ 1) },
      ),
  },
  {
    name: 'entries/page-number-cut',
    breaks: 'map drops the high bits of page numbers',
    rules: ['DeviceMmu.addressBits: every page'],
    wrap: (device) =>
      remapping(device, (command) => ({ ...command, pages: command.pages.map((page) => page % 2 ** 20) })),
  },
  {
    name: 'entries/count-ignored',
    breaks: 'map takes the length of its arrays for the number of pages',
    rules: ['PageList'],
    wrap: (device) => remapping(device, (command) => ({ ...command, count: command.pages.length })),
  },
  {
    name: 'entries/unmap-skips-the-last',
    breaks: 'unmap leaves the last page of its list',
    rules: ['UnmapCommand'],
    wrap: (device) =>
      rewriting(device, (command) =>
        command.kind === 'unmap' ? { ...command, count: Math.max(0, command.count - 1) } : command,
      ),
  },
  {
    name: 'entries/protect-ignored',
    breaks: 'protect changes no rights',
    rules: ['ProtectCommand', 'R1'],
    wrap: (device) =>
      rewriting(device, (command) => {
        if (command.kind !== 'protect') return command;
        const { bits, ...rest } = command;
        return bits === undefined ? [] : { ...rest, kind: 'harvest', bits };
      }),
  },
  {
    name: 'entries/protect-creates',
    breaks: 'protect of an absent page maps frame 0 there',
    rules: ['ProtectCommand'],
    wrap(device) {
      const present = new Set<string>();
      return rewriting(device, (command) => {
        for (let i = 0; (command.kind === 'map' || command.kind === 'unmap') && i < command.count; i++) {
          if (command.kind === 'map') present.add(keyOf(command, i));
          else present.delete(keyOf(command, i));
        }
        if (command.kind !== 'protect' || command.count !== 1 || present.has(keyOf(command, 0))) return command;
        return [command, { ...command, kind: 'map', frames: new Uint32Array(1) }];
      });
    },
  },
  {
    name: 'entries/mmus-share-a-table',
    breaks: 'all MMUs of a device use one page table',
    rules: ['DeviceMmu'],
    wrap(device) {
      let first: number | undefined;
      const shared = rewriting(device, (command) =>
        'mmu' in command && first !== undefined ? { ...command, mmu: first } : command,
      );
      return override(shared, {
        async createMmu(options) {
          const mmu = await device.createMmu(options);
          first ??= mmu.id;
          return mmu;
        },
      });
    },
  },
];
