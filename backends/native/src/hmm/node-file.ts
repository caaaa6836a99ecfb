import { IoctlDevice } from '../abi/ioctl.js';
import { HMM } from './abi.js';

/** What a device uses of its node. */
export interface DeviceNode {
  /** The node's path. */
  readonly path: string;
  /** A device begins to use it. */
  begin(): void;
  /** A device has ended. */
  end(): Promise<void>;
  /** What makes its requests. @throws Error `{ errno, code, call }` of the system */
  open(): Pick<IoctlDevice, 'call' | 'start'>;
}

/**
 * The open file of a device node: one for all who use the node in this thread. Each file has a page table of its own, of the same process; but what
 * one file moves, the driver does not take out of the tables of others on the node, which then read memory that is somebody else's. And when any file of a
 * node is closed, the driver sends home what is in the device's memory, whoever's it is: so it is closed, off the event loop, only when no device is open
 * here any more. Of files that other processes close nobody here is told: what was on the device comes home then, and is found there.
 */
export class NodeFile implements DeviceNode {
  private static readonly nodes = new Map<string, NodeFile>();
  private file: IoctlDevice | undefined;
  private closing: Promise<void> = Promise.resolve();
  /** Devices that are open on the node. */
  private users = 0;
  /** Whether its memory is one that the CPU reaches, once somebody has looked. */
  coherent: boolean | undefined;

  private constructor(readonly path: string) {}

  /** That of a node. */
  static of(path: string): NodeFile {
    let file = NodeFile.nodes.get(path);
    if (file === undefined) NodeFile.nodes.set(path, (file = new NodeFile(path)));
    return file;
  }

  /** How many devices are open on it. */
  get uses(): number {
    return this.users;
  }

  /** A device begins to use the node. */
  begin(): void {
    this.users++;
  }

  /** Resolves when nobody closes it any more: nothing that goes there then comes home by that. */
  async ready(): Promise<void> {
    await this.closing;
  }

  /** A device has ended. Resolves when the file is closed, if nobody else has it open. */
  async end(): Promise<void> {
    this.users--;
    if (this.users > 0 || this.file === undefined) return;
    // Refused (`BUSY`) only where no thread was left for it: it was closed on the event loop then.
    this.closing = this.file.closeAsync().catch(() => undefined);
    this.file = undefined;
    await this.closing;
  }

  /** The open file. @throws Error `{ errno, code, call }` of the system */
  open(): IoctlDevice {
    return (this.file ??= new IoctlDevice(this.path, Object.values(HMM)));
  }
}
