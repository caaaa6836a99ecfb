import type { Command, Device, PageList } from '@mirrorspace/core/driver';
import type { BrokenDevice } from '../device.js';
import { keyOf, rewriting, tap, withSubmit } from '../wrap.js';

const rules = ['NotifierEvent: each change'];
/** Time passes between submission and effect, as on most devices: what is under way can be met. */
const options = { latency: { command: 1, copyBytesPerUs: 4096 } };

/** An entry that was taken away. */
interface Gone {
  readonly mmu: number;
  readonly pageSize: number;
  readonly page: number;
  readonly frame: number;
  readonly access: number;
}

const keysOf = (command: PageList): string[] => Array.from({ length: command.count }, (_none, i) => keyOf(command, i));

/** Entries that were unmapped while an access stalled, until the next replay. */
class GoneWhileStalled {
  private readonly entries = new Map<string, Gone>();
  private readonly gone = new Map<string, Gone>();

  constructor(private readonly device: Device) {}

  follow(command: Command): void {
    if (command.kind === 'map') {
      for (let i = 0; i < command.count; i++) {
        const { mmu, pageSize } = command;
        const entry = { mmu, pageSize, page: command.pages[i]!, frame: command.frames[i]!, access: command.access[i]! };
        this.entries.set(keyOf(command, i), entry);
        this.gone.delete(keyOf(command, i));
      }
    } else if (command.kind === 'unmap') {
      for (const key of keysOf(command)) {
        const entry = this.entries.get(key);
        this.entries.delete(key);
        if (entry !== undefined && this.device.faults.stalled > 0) this.gone.set(key, entry);
      }
    }
  }

  /** Commands that bring them back. */
  back(): Command[] {
    const back = Array.from(this.gone.values(), ({ mmu, pageSize, page, frame, access }): Command => ({
      kind: 'map',
      mmu,
      pageSize,
      count: 1,
      pages: Float64Array.of(page),
      frames: Uint32Array.of(frame),
      access: Uint8Array.of(access),
    }));
    this.gone.clear();
    return back;
  }
}

/** Devices that lose a change when something of the page is under way, or when much changes at once. */
export const changes: readonly BrokenDevice[] = [
  {
    name: 'notifier/entries-in-flight-stay',
    breaks: 'an unmap that is sent before the map in front of it has taken effect does nothing',
    rules,
    options,
    wrap(device) {
      /** Entries by the fence of the submission that makes them. */
      const made = new Map<string, { readonly signaled: boolean }>();
      return withSubmit(device, (queue) => (commands, submitOptions) => {
        const kept = commands.flatMap((command) => {
          if (command.kind !== 'unmap' || !keysOf(command).some((key) => made.get(key)?.signaled === false))
            return command;
          const { bits, count } = command;
          return bits === undefined ? [] : tap(() => void bits.fill(0, 0, count));
        });
        const fence = queue.submit(kept, submitOptions);
        for (const command of commands)
          if (command.kind === 'map') for (const key of keysOf(command)) made.set(key, fence);
        return fence;
      });
    },
  },
  {
    name: 'notifier/replay-brings-entries-back',
    breaks: 'what is unmapped while an access stalls is mapped again when faults are replayed',
    rules,
    options,
    wrap(device) {
      const gone = new GoneWhileStalled(device);
      return rewriting(device, (command) => {
        gone.follow(command);
        return command.kind === 'replayFaults' ? [...gone.back(), command] : command;
      });
    },
  },
  {
    name: 'flush/first-neighbours-only',
    breaks: 'flushTlb with a list stops at the first page that does not lie beside the one before',
    rules: ['AddressSpace.flush: all that changes in one turn'],
    wrap: (device) =>
      rewriting(device, (command) => {
        if (command.kind !== 'flushTlb' || !command.pages || !command.count) return command;
        const { pages, count } = command;
        let run = 1;
        while (run < count && pages[run] === pages[run - 1]! + 1) run++;
        return { ...command, count: run };
      }),
  },
];
