import type { Device, DeviceMmu, MmuOptions } from '../driver/device.js';
import type { FaultCheck } from './fault-check.js';
import type { LiveMmus } from './fault-judge.js';
import type { Reporter } from './report.js';
import type { Shadow } from './shadow.js';

/** The MMUs that were opened through the validator. */
export class MmuRegistry implements LiveMmus {
  private readonly mmus = new Map<number, { readonly mmu: DeviceMmu; state: 'open' | 'closing' | 'closed' }>();
  private readonly device: Device;
  private readonly shadow: Shadow;
  private readonly reporter: Reporter;

  constructor(device: Device, shadow: Shadow, reporter: Reporter) {
    this.device = device;
    this.shadow = shadow;
    this.reporter = reporter;
  }

  /** As `checkCommands` wants it. */
  get(id: number): DeviceMmu | 'closed' | undefined {
    const known = this.mmus.get(id);
    return known === undefined || known.state === 'open' ? known?.mmu : 'closed';
  }

  faultPageSize(id: number): number | undefined {
    const known = this.mmus.get(id);
    return known === undefined || known.state === 'closed' ? undefined : known.mmu.faultPageSize;
  }

  mirroring(id: number): boolean {
    return this.mmus.get(id)?.mmu.kind === 'mirroring';
  }

  async create(options: MmuOptions, look: () => void, faults: FaultCheck): Promise<DeviceMmu> {
    const mmu = await this.device.createMmu(options);
    look();
    this.check(mmu, options);
    const known: { readonly mmu: DeviceMmu; state: 'open' | 'closing' | 'closed' } = { mmu, state: 'open' };
    this.mmus.set(mmu.id, known);
    this.shadow.open(mmu.id);
    faults.open(mmu.id);
    let closing: Promise<void> | undefined;
    const end = async (): Promise<void> => {
      known.state = 'closing';
      look();
      await mmu.close();
      look();
      known.state = 'closed';
      this.shadow.close(mmu.id);
      faults.close(mmu.id);
    };
    const { id, kind, addressBits, faultPageSize } = mmu;
    const snapshot = mmu.snapshot?.bind(mmu);
    const close = () => (closing ??= end());
    return { id, kind, addressBits, faultPageSize, close, ...(snapshot && { snapshot }) };
  }

  private check(mmu: DeviceMmu, { addressBits, faultPageSize }: MmuOptions): void {
    const { limits, features } = this.device;
    const wrong = (why: string): void =>
      this.reporter.report('backend', 'claim', `createMmu gave MMU ${mmu.id} ${why}`);
    if (!Number.isInteger(mmu.id) || mmu.id < 0 || mmu.id > 0xffff) wrong('whose id is no integer from 0 to 65535');
    const other = this.mmus.get(mmu.id);
    if (other !== undefined && other.state !== 'closed') wrong('whose id is in use by an open MMU');
    const looks = mmu.kind === 'mirroring' && features.has('snapshots');
    if (looks !== (mmu.snapshot !== undefined))
      wrong(
        `of the kind ${mmu.kind} ${mmu.snapshot ? 'with' : 'without'} a way to look where pages are: mirroring ones of devices that claim snapshots have it`,
      );
    if (mmu.addressBits < addressBits)
      wrong(`with ${mmu.addressBits} address bits where ${addressBits} were asked for`);
    if (mmu.faultPageSize !== (faultPageSize ?? limits.pageSizes[0])) {
      wrong(`that reports faults in pages of ${mmu.faultPageSize} bytes, not ${faultPageSize ?? limits.pageSizes[0]}`);
    }
  }
}
