import type { CancelFaultsCommand } from '@mirrorspace/core/driver';
import type { Mmu } from './mmu.js';

/** How one step of a command ended: it is done, has more steps, or waits for a replay. */
export type Outcome = 'done' | 'more' | 'stalled';

/** A command under way that may stall on faults. */
export interface Run {
  readonly mmu: Mmu;
  /** Work units, or the access itself, that wait for a replay. */
  readonly stalled: number;
  /** Work units whose state a preemption has to save. */
  readonly resident: number;
  /** Lets up to `window` stalled units try again in the next step. */
  replay(window: number): void;
  /** The first stalled access that the command cancels. */
  cancelled(command: CancelFaultsCommand): { address: number; reason: number } | undefined;
  /** @throws MirrorError when the command fails */
  step(): Outcome;
}

/** The first of `addresses` that lies in a page of the command, with the reason given for that page. */
export function stalledOn(
  addresses: readonly number[],
  command: CancelFaultsCommand,
): { address: number; reason: number } | undefined {
  const { pages, count, pageSize, reasons } = command;
  for (const address of addresses) {
    const page = Math.floor(address / pageSize);
    for (let i = 0; i < count; i++) if (pages[i] === page) return { address, reason: reasons[i]! };
  }
  return undefined;
}
