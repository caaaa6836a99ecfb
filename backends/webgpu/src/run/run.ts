import type { CancelFaultsCommand } from '@mirrorspace/core/driver';
import type { WebgpuMmu } from '../table/mmu.js';

/** What became of a step: the command is done; it has more to do; it waits for pages. */
export type Outcome = 'done' | 'more' | 'stalled';

/** An access command or a launch under way. */
export interface Run {
  readonly mmu: WebgpuMmu;
  /** Accesses or work units that wait for pages. */
  readonly stalled: number;
  /** What the next step needs first, while others go on: a program that has to be compiled. @throws MirrorError when it cannot be had */
  prepare?(): Promise<void> | undefined;
  /** Goes on. @throws MirrorError when the command fails */
  step(): Outcome | Promise<Outcome>;
  /** What was missing may be there now: the next step tries again, with `window` work units at most. */
  replay(window: number): void;
  /** The first address that it waits for on one of the pages, and why that is refused; `undefined` where it waits for none. */
  cancelled(command: CancelFaultsCommand): { readonly address: number; readonly reason: number } | undefined;
}

/** Looks for the first of some byte addresses that lies on a page of a list. */
export function refused(
  addresses: Iterable<number>,
  { pages, count, pageSize, reasons }: CancelFaultsCommand,
): { address: number; reason: number } | undefined {
  const byPage = new Map<number, number>();
  for (let i = 0; i < count; i++) byPage.set(pages[i]!, reasons[i]!);
  for (const address of addresses) {
    const reason = byPage.get(Math.floor(address / pageSize));
    if (reason !== undefined) return { address, reason };
  }
  return undefined;
}
