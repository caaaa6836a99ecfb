import type { Command } from '@mirrorspace/core/driver';
import type { BrokenDevice } from '../device.js';
import { relisting, rewriting } from '../wrap.js';

const rules = ['R1', 'FlushTlbCommand'];
const isFlush = ({ kind }: Command): boolean => kind === 'flushTlb';

/** Cached translations that outlive their flush, and flushes that take too much. */
export const tlb: readonly BrokenDevice[] = [
  {
    name: 'tlb/flush-ignored',
    breaks: 'flushTlb does nothing',
    rules: ['R1: after the fence of flushTlb'],
    wrap: (device) => rewriting(device, (command) => (isFlush(command) ? [] : command)),
  },
  {
    name: 'tlb/flush-first-page-only',
    breaks: 'flushTlb with a list drops its first page alone',
    rules,
    wrap: (device) =>
      rewriting(device, (command) =>
        command.kind === 'flushTlb' && command.count !== undefined
          ? { ...command, count: Math.min(1, command.count) }
          : command,
      ),
  },
  {
    name: 'tlb/whole-flush-ignored',
    breaks: 'flushTlb without a list does nothing',
    rules,
    wrap: (device) =>
      rewriting(device, (command) => (command.kind === 'flushTlb' && command.pages === undefined ? [] : command)),
  },
  {
    name: 'tlb/flush-before-unmap',
    breaks: 'flushTlb runs before the unmap in front of it: what is cached between them stays',
    rules,
    // Time must pass between the two, and accesses must get a turn in it.
    options: { latency: { command: 1 }, features: ['queues', 'replayable-faults', 'accessed-bits', 'dirty-bits'] },
    wrap: (device) =>
      relisting(device, (commands) => [
        ...commands.filter(isFlush),
        ...commands.filter((command) => !isFlush(command)),
      ]),
  },
  {
    name: 'tlb/flush-unmaps',
    breaks: 'flushTlb takes the entries away too',
    rules: ['FlushTlbCommand: takes no entry away'],
    wrap: (device) =>
      rewriting(device, (command) => {
        const { kind } = command;
        if (kind !== 'flushTlb' || !command.pages || !command.count || !command.pageSize) return command;
        const { mmu, pageSize, count, pages } = command;
        return [{ kind: 'unmap', mmu, pageSize, count, pages }, command];
      }),
  },
];
