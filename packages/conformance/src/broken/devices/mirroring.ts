import {
  type AdviseCommand,
  type Command,
  type Device,
  type DeviceFeature,
  type DeviceMmu,
  type Fence,
  type RangeCommand,
  SNAPSHOT_LOCAL,
  SNAPSHOT_REMOTE,
} from '@mirrorspace/core/driver';
import type { BrokenDevice } from '../device.js';
import { override, refencing, rewriting } from '../wrap.js';

const PAGE = 4096;

/** Pages that a command is about. */
const pagesOf = ({ start, end }: RangeCommand): number => (end - start) / PAGE;

/** Replaces what MMUs answer at once. */
function relooking(device: Device, change: (flags: Uint8Array) => void): Device {
  return override(device, {
    async createMmu(options) {
      const mmu = await device.createMmu(options);
      const snapshot: NonNullable<DeviceMmu['snapshot']> = (start, flags) => {
        mmu.snapshot!(start, flags);
        change(flags);
      };
      return override(mmu, { snapshot });
    },
  });
}

/** Changes what snapshot commands and MMUs tell. */
function retelling(device: Device, change: (flags: Uint8Array) => void): Device {
  const told = refencing(device, (fence, commands) => {
    const wait: Fence['wait'] = async (options) => {
      await fence.wait(options);
      for (const command of commands) if (command.kind === 'snapshot') change(command.flags);
    };
    return override(fence, { wait });
  });
  return relooking(told, change);
}

/** Spoils the content of a range behind the back of whoever has it. */
function spoil(device: Device, { mmu, start, end }: RangeCommand, value: number): void {
  const user = device.queues.find(({ paging }) => !paging)!;
  user.submit([{ kind: 'fill', mmu, address: start, bytes: end - start, value }]);
}

/** Does something else in place of commands of one kind. */
function instead<K extends Command['kind']>(
  device: Device,
  kind: K,
  change: (command: Extract<Command, { kind: K }>) => Command | readonly Command[],
): Device {
  return rewriting(device, (command) =>
    command.kind === kind ? change(command as Extract<Command, { kind: K }>) : command,
  );
}

/** Hides features that the device has. */
function hiding(device: Device, ...features: DeviceFeature[]): Device {
  return override(device, {
    features: new Set(Array.from(device.features).filter((name) => !features.includes(name))),
  });
}

/** Devices that mirror a process, each with one defect. */
export const mirroring: readonly BrokenDevice[] = (
  [
    {
      name: 'mirroring/moved-as-asked',
      breaks: 'tells as many pages moved as it was asked to move',
      rules: ['MigrateCommand'],
      wrap: (device) =>
        instead(device, 'migrate', (command) => {
          command.moved[0] = pagesOf(command);
          return { ...command, moved: new Uint32Array(1) };
        }),
    },
    {
      name: 'mirroring/looks-at-nothing',
      breaks: 'says at once that nothing is anywhere',
      rules: ['DeviceMmu.snapshot'],
      wrap: (device) => relooking(device, (flags) => flags.fill(0)),
    },
    {
      name: 'mirroring/prefetch-moves',
      breaks: 'moves what it was asked to bring into its page table',
      rules: ['PrefetchCommand'],
      wrap: (device) =>
        instead(device, 'prefetch', (command) => ({
          ...command,
          kind: 'migrate',
          to: 'device',
          moved: new Uint32Array(1),
        })),
    },
    {
      name: 'mirroring/ranges-rounded',
      breaks: 'rounds ranges that are no whole pages',
      rules: ['RangeCommand: whole pages'],
      wrap: (device) =>
        rewriting(device, (command) => {
          if (!('start' in command)) return command;
          const start = Math.max(0, Math.floor(command.start / PAGE) * PAGE);
          return { ...command, start, end: Math.max(start, Math.ceil(command.end / PAGE) * PAGE) };
        }),
    },
    {
      name: 'mirroring/strangers',
      breaks: 'takes addresses where nothing is, and says that all went well',
      rules: ['RangeCommand: what is no memory'],
      wrap: (device) =>
        refencing(device, (fence) => override(fence, { wait: () => fence.wait().catch(() => undefined) })),
    },
    {
      name: 'mirroring/exclusive-of-nothing',
      breaks: 'takes no page for itself, and says so',
      rules: ['ExclusiveCommand'],
      wrap: (device) => instead(device, 'exclusive', (command) => ({ ...command, end: command.start })),
    },
    {
      name: 'mirroring/exclusive-lost',
      breaks: 'gives zeros back in place of what it took for itself',
      rules: ['Mirror.exclusive'],
      wrap: (device) =>
        instead(device, 'exclusive', (command) => {
          spoil(device, command, 0);
          return command;
        }),
    },
    {
      name: 'mirroring/stays-home',
      breaks: 'moves nothing to its memory, and says that it did',
      rules: ['Mirror.migrate: moves'],
      wrap: (device) =>
        instead(device, 'migrate', (command) => {
          command.moved[0] = pagesOf(command);
          return [];
        }),
    },
    {
      name: 'mirroring/uncleared',
      breaks: 'gives pages without content memory as somebody left it',
      rules: ['Mirror.migrate: pages that nobody touched'],
      wrap: (device) =>
        instead(device, 'migrate', (command) => {
          if (command.to === 'device') spoil(device, command, 0xdb);
          return command;
        }),
    },
    {
      name: 'mirroring/short-writes',
      breaks: 'leaves out the last byte of what it writes',
      rules: ['R2'],
      wrap: (device) => instead(device, 'write', (command) => ({ ...command, from: command.from.subarray(0, -1) })),
    },
    {
      name: 'mirroring/whole-pages',
      breaks: 'writes zeros round the bytes that it writes',
      rules: ['Mirror.read, write, fill'],
      wrap: (device) =>
        instead(device, 'write', (command) => {
          const lead = command.address % PAGE;
          return [{ kind: 'fill', mmu: command.mmu, address: command.address - lead, bytes: lead, value: 0 }, command];
        }),
    },
    {
      name: 'mirroring/two-owners',
      breaks: 'takes pages of other devices for its own',
      rules: ['R3'],
      wrap: (device) =>
        retelling(device, (flags) => {
          for (let i = 0; i < flags.length; i++) if ((flags[i]! & SNAPSHOT_REMOTE) !== 0) flags[i] = SNAPSHOT_LOCAL | 3;
        }),
    },
    {
      name: 'mirroring/zeros-come-home',
      breaks: 'gives zeros back in place of what it had',
      rules: ['Mirror.detach'],
      wrap: (device) =>
        instead(device, 'migrate', (command) => {
          if (command.to === 'host') spoil(device, command, 0);
          return command;
        }),
    },
    {
      name: 'mirroring/failed-as-closed',
      breaks: 'says that it was closed when it failed',
      rules: ['R10'],
      wrap: (device) =>
        override(device, { lost: device.lost.then((info) => ({ ...info, reason: 'closed' as const })) }),
    },
    {
      name: 'mirroring/advice-forgotten',
      breaks: 'claims advice, and does not keep it',
      rules: ['AdviseCommand: it moves nothing'],
      wrap: (device) => instead(device, 'advise', () => []),
    },
    {
      name: 'mirroring/advice-lost',
      breaks: 'keeps no advice of what a space has',
      rules: ['AddressSpace.advise'],
      wrap: (device) => instead(device, 'advise', () => []),
    },
    {
      name: 'mirroring/advice-moves',
      breaks: 'moves what it is advised to have',
      rules: ['AdviseCommand: it moves nothing'],
      wrap: (device) =>
        instead(device, 'advise', (command) => [
          command,
          {
            kind: 'migrate',
            mmu: command.mmu,
            start: command.start,
            end: command.end,
            to: 'device',
            moved: new Uint32Array(1),
          },
        ]),
    },
    {
      name: 'mirroring/advice-stays',
      breaks: 'keeps the first advice that it gets of a page for ever',
      rules: ['AdviseCommand: it holds in place'],
      wrap(device) {
        const known = new Set<number>();
        return instead(device, 'advise', (command) => {
          if (known.has(command.start)) return [];
          for (let at = command.start; at < command.end; at += PAGE) known.add(at);
          return command;
        });
      },
    },
    {
      name: 'mirroring/advice-outlives',
      breaks: 'keeps what memory was advised for what is mapped there after it',
      rules: ['AdviseCommand: it holds until'],
      wrap(device) {
        const known = new Map<number, AdviseCommand>();
        return rewriting(device, (command) => {
          if (command.kind === 'advise') known.set(command.start, command);
          if (command.kind !== 'read') return command;
          const { mmu, address, into } = command;
          const about = [...known.values()].filter(({ start, end }) => start < address + into.length && address < end);
          return [...about.map((advice) => ({ ...advice, mmu })), command];
        });
      },
    },
    {
      name: 'mirroring/advice-spoils',
      breaks: 'clears what it is advised of',
      rules: ['AdviseCommand: it changes no content'],
      wrap: (device) =>
        instead(device, 'advise', (command) => {
          spoil(device, command, 0);
          return command;
        }),
    },
    {
      name: 'mirroring/advice-unclaimed',
      breaks: 'does not claim advice, and takes it',
      rules: ['DeviceFeature advice'],
      wrap: (device) => hiding(device, 'advice'),
    },
    {
      name: 'mirroring/snapshots-unclaimed',
      breaks: 'does not claim snapshots, and makes them',
      rules: ['DeviceFeature snapshots'],
      wrap: (device) => hiding(device, 'snapshots'),
    },
  ] satisfies Omit<BrokenDevice, 'mirrors'>[]
).map((broken) => ({ ...broken, mirrors: true }));
