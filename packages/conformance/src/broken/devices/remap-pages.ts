import type { BrokenDevice } from '../device.js';
import { knowing } from '../entries.js';
import { keyOf } from '../wrap.js';

const rules = ['Region.remapPages'];

/** Page numbers that lead to another frame than before, and frames that several of them lead to. */
export const remapPages: readonly BrokenDevice[] = [
  {
    name: 'remap-pages/old-frame-while-in-use',
    breaks: 'a page number that is mapped again leads to its old frame as long as another entry leads there',
    rules,
    wrap(device) {
      const old = new Map<string, number>();
      return knowing(device, (command, entries) => {
        if (command.kind !== 'map') return command;
        const frames = command.frames.map((frame, i) => {
          const key = keyOf(command, i);
          const before = old.get(key) ?? frame;
          old.set(key, frame);
          return entries.isShared(before, key) ? before : frame;
        });
        return { ...command, frames };
      });
    },
  },
  {
    name: 'remap-pages/flush-skips-shared',
    breaks: 'flushTlb with a list leaves translations to frames that another entry leads to',
    rules,
    wrap(device) {
      const last = new Map<string, number>();
      return knowing(device, (command, entries) => {
        if (command.kind === 'map')
          for (let i = 0; i < command.count; i++) last.set(keyOf(command, i), command.frames[i]!);
        if (command.kind !== 'flushTlb' || !command.pages || !command.count || !command.pageSize) return command;
        const { mmu, pageSize, count, pages } = command;
        const stale = Array.from(pages.subarray(0, count)).filter((_page, i) => {
          const key = keyOf({ mmu, pageSize, pages }, i);
          return !entries.isShared(last.get(key) ?? -1, key);
        });
        return { ...command, count: stale.length, pages: Float64Array.from(stale) };
      });
    },
  },
];
