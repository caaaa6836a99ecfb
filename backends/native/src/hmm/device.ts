import type { Command, DeviceMmu, MmuOptions } from '@mirrorspace/core/driver';
import { DriverDevice } from '../device/driver-device.js';
import { inTime } from '../device/in-time.js';
import { access } from './access.js';
import { HMM_PAGE } from './abi.js';
import type { DeviceNode } from './node-file.js';
import { HmmFile } from './requests.js';

/** What decides how a device is opened. */
export interface HmmSetup {
  /** Its name among open devices. */
  readonly name: string;
  /** The open file of its node. */
  readonly node: DeviceNode;
  /** Bytes of device memory that may be used. */
  readonly memory: number;
  /** Gives the name back. */
  readonly release: () => void;
}

/** A page table of the device, which mirrors this process's: all of a node go by its one open file. */
class HmmMmu implements DeviceMmu {
  readonly kind = 'mirroring';
  readonly faultPageSize = HMM_PAGE;

  constructor(
    readonly id: number,
    readonly addressBits: number,
    readonly file: HmmFile,
    private readonly gone: (id: number) => void,
  ) {}

  snapshot(start: number, flags: Uint8Array): void {
    this.file.look(start, flags);
  }

  close(): Promise<void> {
    this.gone(this.id);
    return inTime(this.file.device, 'requests of a page table that is being closed', this.file.close());
  }
}

/** The kernel's test device for heterogeneous memory, which mirrors the page table of this process. Its faults are the kernel's to serve. */
export class HmmDevice extends DriverDevice<HmmMmu> {
  private readonly node: DeviceNode;

  constructor(
    { name, node, memory, release }: HmmSetup,
    /** Whether the CPU reaches its memory, too. */
    readonly coherent: boolean,
  ) {
    const kind = coherent ? 'device-coherent' : 'device-private';
    super({
      info: { name, backend: 'hmm', description: `the kernel's HMM test device ${node.path}, ${kind} memory` },
      limits: {
        pageSizes: [HMM_PAGE],
        memory,
        addressBits: 47,
        faultBuffer: 1,
        pagesPerCommand: 65_536,
        commandsPerSubmit: 1024,
        residentUnits: 1,
        preemptionUs: 0,
      },
      features: ['snapshots'],
      release,
    });
    this.node = node;
    node.begin();
  }

  /**
   * Gives back all of the device's memory, whoever's pages are in it: they go to system memory, and come back as they are needed.
   * @throws MirrorError with the system's error as cause, `CLOSED`
   */
  async release(mmu: DeviceMmu): Promise<void> {
    await inTime(this.info.name, 'HMM_DMIRROR_RELEASE', this.mmus.get(mmu.id).file.release());
  }

  /** Which pages of a range the device has for itself alone: 1 or 0 a page. @throws MirrorError as the commands */
  async checkExclusive(mmu: DeviceMmu, start: number, pages: number): Promise<Uint8Array> {
    const work = this.mmus.get(mmu.id).file.checkExclusive(start, pages);
    return inTime(this.info.name, 'HMM_DMIRROR_CHECK_EXCLUSIVE', work);
  }

  protected override makeMmu(id: number, { addressBits }: MmuOptions): HmmMmu {
    const file = new HmmFile(this.info.name, this.node, () => this.gone);
    return new HmmMmu(id, addressBits, file, (gone) => this.forget(gone));
  }

  /** What is in its memory goes home when nobody has the node open any more. */
  protected override freed(): Promise<void> {
    return this.node.end();
  }

  protected override async execute(command: Command): Promise<void> {
    switch (command.kind) {
      case 'read':
      case 'write':
      case 'fill':
        return access(this.fileOf(command.mmu), command);
      case 'prefetch':
        return this.fileOf(command.mmu).read(command.start, pagesOf(command), () => undefined);
      case 'migrate':
        command.moved[0] = await this.fileOf(command.mmu).migrate(command.start, pagesOf(command), command.to);
        return;
      case 'snapshot':
        return this.fileOf(command.mmu).snapshot(command.start, command.flags.subarray(0, pagesOf(command)));
      case 'exclusive':
        command.taken[0] = await this.fileOf(command.mmu).exclusive(command.start, pagesOf(command));
        return;
      default:
        throw this.unsupported(command.kind);
    }
  }

  private fileOf(mmu: number): HmmFile {
    return this.mmus.get(mmu).file;
  }
}

function pagesOf({ start, end }: { readonly start: number; readonly end: number }): number {
  return (end - start) / HMM_PAGE;
}
