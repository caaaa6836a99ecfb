import type { DeviceMmu } from '@mirrorspace/core/driver';

/** An open page table; what it maps, the engine's thread knows. */
export class NativeMmu implements DeviceMmu {
  readonly kind = 'managed';

  /** @param place where its record is in the shared memory */
  constructor(
    readonly id: number,
    readonly addressBits: number,
    readonly faultPageSize: number,
    readonly place: number,
    private readonly onClose: (mmu: NativeMmu) => Promise<void>,
  ) {}

  close(): Promise<void> {
    return this.onClose(this);
  }
}
