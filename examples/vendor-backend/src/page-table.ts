import { BIT_ACCESSED, BIT_DIRTY, PTE_WRITE } from '@mirrorspace/core/driver';
import type { HarvestCommand, MapCommand, ProtectCommand, UnmapCommand } from '@mirrorspace/core/driver';

/** The one page size, in bytes. */
export const PAGE_SIZE = 4096;

/** A page table: an entry by page number. `access` holds `PTE_*`, `bits` holds `BIT_*`. */
export type PageTable = Map<number, { frame: number; access: number; bits: number }>;

/** Gives a command that changes or reads entries its effect. */
export function changeEntries(
  table: PageTable,
  command: MapCommand | UnmapCommand | ProtectCommand | HarvestCommand,
): void {
  for (let i = 0; i < command.count; i++) {
    const page = command.pages[i]!;
    if (command.kind === 'map') {
      table.set(page, { frame: command.frames[i]!, access: command.access[i]!, bits: 0 });
      continue;
    }
    const entry = table.get(page);
    if (command.bits !== undefined) {
      command.bits[i] = entry?.bits ?? 0;
      if (entry !== undefined) entry.bits = 0;
    }
    if (command.kind === 'unmap') table.delete(page);
    if (command.kind === 'protect' && entry !== undefined) entry.access = command.access[i]!;
  }
}

/** The frame that an access reaches, noted in the entry's bits; `undefined` where it faults. */
export function translate(table: PageTable, page: number, store: boolean): number | undefined {
  const entry = table.get(page);
  if (entry === undefined || (store && (entry.access & PTE_WRITE) === 0)) return undefined;
  entry.bits |= store ? BIT_ACCESSED | BIT_DIRTY : BIT_ACCESSED;
  return entry.frame;
}
