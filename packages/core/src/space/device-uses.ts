interface Use {
  readonly from: number;
  readonly to: number;
  readonly write: boolean;
}

/**
 * Accesses of devices under way to pages that core does not move, by their index in a live object: nobody holds them for the CPU meanwhile, in
 * whichever space. Devices may read together.
 */
export class DeviceUses {
  private readonly uses = new Set<Use>();

  /** An access of `[from, to)` begins. Call what is returned when the device is done; calling twice does nothing. */
  begin(from: number, to: number, write: boolean): () => void {
    const use = { from, to, write };
    this.uses.add(use);
    return () => void this.uses.delete(use);
  }

  /** The first index of `[from, to)` that a hold has to wait for, or -1. */
  inTheWay(from: number, to: number, write: boolean): number {
    let first = Infinity;
    for (const use of this.uses)
      if ((write || use.write) && use.from < to && from < use.to) first = Math.min(first, Math.max(from, use.from));
    return first === Infinity ? -1 : first;
  }
}
