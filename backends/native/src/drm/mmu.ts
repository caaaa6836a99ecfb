import { BIT_ACCESSED, BIT_DIRTY, type DeviceMmu, PTE_WRITE } from '@mirrorspace/core/driver';
import type { HarvestCommand, MapCommand, ProtectCommand, UnmapCommand } from '@mirrorspace/core/driver';
import { FRAME } from './frames.js';

/** An entry: `PTE_*` and `BIT_*`. */
interface Entry {
  readonly frame: number;
  access: number;
  bits: number;
}

/** A page table. The devices behind dumb buffers have none: the driver keeps it, and walks it for each access. */
export class DrmMmu implements DeviceMmu {
  readonly kind = 'managed';
  readonly faultPageSize = FRAME;
  private readonly entries = new Map<number, Entry>();

  constructor(
    readonly id: number,
    readonly addressBits: number,
    private readonly gone: (mmu: DrmMmu) => void,
  ) {}

  /** Gives a command that changes or reads entries its effect. */
  change(command: MapCommand | UnmapCommand | ProtectCommand | HarvestCommand): void {
    for (let i = 0; i < command.count; i++) {
      const page = command.pages[i]!;
      if (command.kind === 'map') {
        this.entries.set(page, { frame: command.frames[i]!, access: command.access[i]!, bits: 0 });
        continue;
      }
      const entry = this.entries.get(page);
      if (command.bits !== undefined) {
        command.bits[i] = entry?.bits ?? 0;
        if (entry !== undefined) entry.bits = 0;
      }
      if (command.kind === 'unmap') this.entries.delete(page);
      if (command.kind === 'protect' && entry !== undefined) entry.access = command.access[i]!;
    }
  }

  /** The frame that an access of a page reaches, noted in the entry's bits; `undefined` where it faults. */
  translate(page: number, store: boolean): number | undefined {
    const entry = this.entries.get(page);
    if (entry === undefined || (store && (entry.access & PTE_WRITE) === 0)) return undefined;
    entry.bits |= store ? BIT_ACCESSED | BIT_DIRTY : BIT_ACCESSED;
    return entry.frame;
  }

  async close(): Promise<void> {
    this.gone(this);
    this.entries.clear();
  }
}
