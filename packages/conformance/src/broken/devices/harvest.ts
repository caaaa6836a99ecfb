import { BIT_ACCESSED, BIT_DIRTY, PTE_READ, type Command, type HarvestCommand } from '@mirrorspace/core/driver';
import type { BrokenDevice } from '../device.js';
import { keyOf, override, rebitting, rewriting, tap } from '../wrap.js';

/** A harvest whose bits go nowhere, of the pages of a table. */
function silently({ pageSize }: HarvestCommand, mmu: number, pages: Float64Array): Command {
  return { kind: 'harvest', mmu, pageSize, count: pages.length, pages, bits: new Uint8Array(pages.length) };
}

/** Which frame each entry leads to. */
class EntryFrames {
  private readonly frames = new Map<string, number>();

  follow(command: Command): void {
    if (command.kind === 'map')
      for (let i = 0; i < command.count; i++) this.frames.set(keyOf(command, i), command.frames[i]!);
    else if (command.kind === 'unmap') for (let i = 0; i < command.count; i++) this.frames.delete(keyOf(command, i));
  }

  frameOf(key: string): number | undefined {
    return this.frames.get(key);
  }
}

/** Harvests that take more than they tell, and what they leave behind in the commands after them. */
export const harvest: readonly BrokenDevice[] = [
  {
    name: 'harvest/clears-the-page-beside',
    breaks: 'harvest clears the bits of the page behind each one that it names, and does not tell',
    rules: ['HarvestCommand'],
    wrap: (device) =>
      rewriting(device, (command) => {
        if (command.kind !== 'harvest') return command;
        const named = new Set(command.pages.subarray(0, command.count));
        const beside = Float64Array.from(named, (page) => page + 1).filter((page) => !named.has(page));
        return beside.length === 0 ? command : [command, silently(command, command.mmu, beside)];
      }),
  },
  {
    name: 'harvest/clears-other-tables',
    breaks: 'harvest clears the bits of the same pages in the device’s other MMUs',
    rules: ['HarvestCommand'],
    wrap(device) {
      const open = new Set<number>();
      const harvesting = rewriting(device, (command) => {
        if (command.kind !== 'harvest') return command;
        const others = Array.from(open).filter((mmu) => mmu !== command.mmu);
        return [command, ...others.map((mmu) => silently(command, mmu, command.pages.slice(0, command.count)))];
      });
      return override(harvesting, {
        async createMmu(options) {
          const mmu = await device.createMmu(options);
          open.add(mmu.id);
          return override(mmu, {
            close() {
              open.delete(mmu.id);
              return mmu.close();
            },
          });
        },
      });
    },
  },
  {
    name: 'harvest/accessed-stays',
    breaks: 'harvest clears BIT_DIRTY and leaves BIT_ACCESSED set',
    rules: ['HarvestCommand: BIT_ACCESSED'],
    wrap(device) {
      const accessed = new Set<string>();
      return rebitting(device, (command, found, i) => {
        const key = keyOf(command, i);
        if (accessed.has(key)) found[i]! |= BIT_ACCESSED;
        if (command.kind !== 'harvest') accessed.delete(key);
        else if ((found[i]! & BIT_ACCESSED) !== 0) accessed.add(key);
      });
    },
  },
  {
    name: 'harvest/takes-the-right-to-write',
    breaks: 'harvest leaves entries without PTE_WRITE, so that the next store faults',
    rules: ['HarvestCommand'],
    wrap: (device) =>
      rewriting(device, (command) => {
        if (command.kind !== 'harvest') return command;
        const { mmu, pageSize, count, pages } = command;
        return [
          command,
          { kind: 'protect', mmu, pageSize, count, pages, access: new Uint8Array(count).fill(PTE_READ) },
        ];
      }),
  },
  {
    name: 'harvest/clean-frames-are-not-copied',
    breaks: 'copyOut leaves out frames whose dirty bit was harvested since they were mapped',
    rules: ['CopyOutCommand', 'R2'],
    wrap(device) {
      const entries = new EntryFrames();
      const clean = new Set<number>();
      const told = rebitting(device, (command, found, i) => {
        const frame = command.kind === 'harvest' ? entries.frameOf(keyOf(command, i)) : undefined;
        if (frame !== undefined && (found[i]! & BIT_DIRTY) !== 0) clean.add(frame);
      });
      return rewriting(told, (command) => {
        entries.follow(command);
        if (command.kind === 'map' || command.kind === 'copyIn')
          for (const frame of command.frames.subarray(0, command.count)) clean.delete(frame);
        if (command.kind !== 'copyOut') return command;
        const copied = Array.from({ length: command.count }, (_, i) => i).filter((i) => !clean.has(command.frames[i]!));
        if (copied.length === command.count) return command;
        const { when: _, ...rest } = command;
        const pick = (from: Uint32Array): Uint32Array => Uint32Array.from(copied, (i) => from[i]!);
        return { ...rest, count: copied.length, frames: pick(command.frames), hostFrames: pick(command.hostFrames) };
      });
    },
  },
  {
    name: 'harvest/unmap-tells-of-the-one-before',
    breaks: 'unmap reports the bits of the unmap before it',
    rules: ['UnmapCommand'],
    wrap(device) {
      let before: readonly number[] = [];
      return rewriting(device, (command) => {
        if (command.kind !== 'unmap' || command.bits === undefined) return command;
        const { bits, count } = command;
        const late = (): void => {
          const own = Array.from(bits.subarray(0, count));
          for (let i = 0; i < count; i++) bits[i] = before[i] ?? 0;
          before = own;
        };
        return [command, tap(late)];
      });
    },
  },
  {
    name: 'harvest/copies-count-as-accesses',
    breaks: 'copyOut sets BIT_ACCESSED in the entries of the frames that it reads',
    rules: ['CopyInCommand, CopyOutCommand', 'HarvestCommand: BIT_ACCESSED'],
    wrap(device) {
      const entries = new EntryFrames();
      const read = new Set<number>();
      const told = rebitting(device, (command, found, i) => {
        const frame = entries.frameOf(keyOf(command, i));
        if (frame !== undefined && command.kind === 'harvest' && read.delete(frame)) found[i]! |= BIT_ACCESSED;
      });
      return rewriting(told, (command) => {
        entries.follow(command);
        if (command.kind === 'copyOut') for (const frame of command.frames.subarray(0, command.count)) read.add(frame);
        return command;
      });
    },
  },
  {
    name: 'harvest/only-the-first-command',
    breaks: 'a second harvest in a submission reports and clears nothing',
    rules: ['HarvestCommand'],
    wrap: (device) =>
      override(device, {
        queues: device.queues.map((queue) =>
          override(queue, {
            submit(commands, options) {
              let seen = false;
              const kept = commands.map((command) => {
                if (command.kind !== 'harvest' || !seen) {
                  seen ||= command.kind === 'harvest';
                  return command;
                }
                return tap(() => void command.bits.fill(0, 0, command.count));
              });
              return queue.submit(kept, options);
            },
          }),
        ),
      }),
  },
];
