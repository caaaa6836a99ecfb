import { PTE_WRITE, type Command, type Device, type PageList } from '@mirrorspace/core/driver';
import { keyOf, rewriting } from './wrap.js';

/** Which frame each entry leads to, and with which rights; kept up to date by what was sent before. */
export class Entries {
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
export function knowing(
  device: Device,
  change: (command: Command, entries: Entries) => Command | readonly Command[],
): Device {
  const entries = new Entries();
  return rewriting(device, (command) => {
    const changed = change(command, entries);
    entries.follow(command);
    return changed;
  });
}
