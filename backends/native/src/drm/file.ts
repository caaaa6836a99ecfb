import type { MirrorError } from '@mirrorspace/core/driver';
import type { Descriptor } from '../addon/descriptor.js';
import { type Ioctl, IoctlDevice, type IoctlPointees, type IoctlResult } from '../abi/ioctl.js';
import type { Fields, StructInput } from '../abi/struct.js';
import { type Meanings, refusalOf } from '../device/refusal.js';
import type { u32 } from '../abi/types.js';
import { DRM } from './abi.js';

/** What DRM's refusals mean. */
const MEANINGS: Meanings = {
  ENOTTY: ['UNSUPPORTED', 'the file is no DRM device'],
  EOPNOTSUPP: ['UNSUPPORTED', 'the driver does not offer it'],
  ENOSYS: ['UNSUPPORTED', 'the driver does not offer it'],
  EACCES: ['ACCESS_DENIED', 'the node does not allow it; use a primary node, /dev/dri/card*'],
  EINVAL: ['INVALID_ARGUMENT', 'the driver takes no such values'],
  ENOENT: ['INVALID_ARGUMENT', 'the driver has no such object'],
  ENOMEM: ['OUT_OF_DEVICE_MEMORY', 'the kernel has no memory for it'],
  EBUSY: ['BUSY', 'the driver is busy; try again'],
  BUSY: ['BUSY', 'too much is waited for at once; try again'],
  ENODEV: ['DEVICE_LOST', 'the device is gone'],
  CLOSED: ['CLOSED', 'the device was closed'],
};

/** What they mean before it is known whether it is one. */
const OPENING: Meanings = {
  ...MEANINGS,
  EINVAL: ['UNSUPPORTED', 'the file is no DRM device'],
  ENOENT: ['IO', 'there is no such node'],
  ENODEV: ['IO', 'no driver is there'],
  EACCES: ['IO', 'the file may not be opened'],
};

/** What a device, its buffers and its timelines use of an open node. */
export type DrmRequests = Pick<
  DrmFile,
  'device' | 'descriptor' | 'ask' | 'drop' | 'start' | 'refused' | 'driver' | 'close'
>;

/** An open node of a DRM device. */
export class DrmFile {
  private readonly io: IoctlDevice;

  /** @throws MirrorError with the system's error as cause */
  constructor(
    readonly device: string,
    path: string,
  ) {
    try {
      this.io = new IoctlDevice(path, Object.values(DRM));
    } catch (error) {
      throw refusalOf(device, error, OPENING);
    }
  }

  /** The open file. */
  get descriptor(): Descriptor {
    return this.io.descriptor;
  }

  /** Makes a request that does not block. @throws MirrorError with the system's error as cause; TypeError, RangeError */
  ask<F extends Fields>(
    request: Ioctl<F>,
    value?: StructInput<F>,
    pointees?: IoctlPointees,
    meanings = MEANINGS,
  ): IoctlResult<F> {
    try {
      return this.io.call(request, value, pointees);
    } catch (error) {
      if (error instanceof TypeError || error instanceof RangeError) throw error;
      throw refusalOf(this.device, error, meanings);
    }
  }

  /** Gives something up. Where that is refused the device has gone, and all that it had. */
  drop(request: Ioctl<{ readonly handle: typeof u32 }>, handle: number): void {
    try {
      this.io.call(request, { handle });
    } catch (error) {
      if (!(error instanceof Error && 'errno' in error)) throw error;
    }
  }

  /** As `IoctlDevice.start`: for a request that blocks, whose refusals are the caller's to understand. */
  readonly start: IoctlDevice['start'] = (request, value, pointees) => this.io.start(request, value, pointees);

  /** The error of what the kernel refused. */
  refused(error: unknown): MirrorError {
    return refusalOf(this.device, error, MEANINGS);
  }

  /** The driver's name. @throws MirrorError `UNSUPPORTED` where the file is no DRM device */
  driver(): string {
    const name = new Uint8Array(32);
    const { value } = this.ask(DRM.version, { name_len: name.length }, { name: [name, 0] }, OPENING);
    return new TextDecoder().decode(name.subarray(0, value.name_len));
  }

  /** The value of a `DRM_CAP_*`. */
  capability(capability: number): number {
    return this.ask(DRM.capability, { capability }).value.value;
  }

  /** Lets others show something: who opens a display first owns it. */
  dropMaster(): void {
    try {
      this.io.send(DRM.dropMaster);
    } catch (error) {
      // We never were: somebody else is, or the node has no display.
      if (!['EINVAL', 'EACCES'].includes((error as { code?: string }).code ?? '')) throw this.refused(error);
    }
  }

  close(): void {
    this.io.close();
  }
}
