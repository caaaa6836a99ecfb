import type { DeviceMmu, PreferredLocation } from '../../driver/index.js';
import { concernsDevices, type SpaceState } from '../../space/index.js';
import { livePieces } from './pieces.js';
import type { ProcessPool } from './process-pool.js';

/** What a device is told of advice: its driver serves faults by itself, and does not ask core. */
export class DeviceAdvice {
  constructor(
    private readonly space: SpaceState,
    private readonly pool: ProcessPool,
    private readonly mmu: DeviceMmu,
    /** What advice names. */
    private readonly mirror: object,
  ) {}

  /** Tells it what holds for a page range; a device that takes no advice is not told. @throws MirrorError */
  async tell(start: number, end: number): Promise<void> {
    if (!this.pool.device.features.has('advice')) return;
    for (const { region, address, bytes } of livePieces(this.space, start, end)) {
      const { preferredLocation, readMostly = false, accessedBy = [] } = region.advice;
      const advice = {
        preferred: this.locationOf(preferredLocation),
        readMostly,
        accessedBy: accessedBy.includes(this.mirror),
      };
      await this.pool.run({ kind: 'advise', mmu: this.mmu.id, start: address, end: address + bytes, ...advice }, true);
    }
  }

  /** Tells it all that was advised before it came. */
  async tellAll(): Promise<void> {
    for (const { start, end, advice } of this.space.regions.overlapping(0, this.space.limit))
      if (concernsDevices(advice)) await this.tell(start, end);
  }

  private locationOf(preferred: object | 'host' | null | undefined): PreferredLocation {
    if (preferred === undefined || preferred === null) return 'anywhere';
    if (preferred === 'host') return 'host';
    return preferred === this.mirror ? 'device' : 'elsewhere';
  }
}
