import {
  checkMmuOptions,
  type Command,
  type Device,
  type DeviceFeature,
  type DeviceInfo,
  type DeviceLimits,
  type DeviceLostInfo,
  type DeviceMmu,
  FaultRing,
  MirrorError,
  type MmuOptions,
  MmuTable,
  type SubmissionQueue,
} from '@mirrorspace/core/driver';
import { CommandLanes, type LaneOptions } from './command-lanes.js';
import { inTime } from './in-time.js';

/** What a driver's device is. */
export interface DriverSetup {
  readonly info: DeviceInfo;
  readonly limits: DeviceLimits;
  readonly features?: readonly DeviceFeature[];
  /** How its queues are made. */
  readonly lanes?: LaneOptions;
  /** Called when it has ended: gives its name back. */
  readonly release: () => void;
}

/** What devices behind ioctls have in common: commands off the event loop, page tables by number, and how they end. */
export abstract class DriverDevice<M extends DeviceMmu> implements Device {
  readonly info: DeviceInfo;
  readonly limits: DeviceLimits;
  readonly features: ReadonlySet<DeviceFeature>;
  readonly queues: CommandLanes['queues'];
  readonly faults: FaultRing;
  readonly lost: Promise<DeviceLostInfo>;
  protected readonly mmus: MmuTable<M>;
  private readonly lanes: CommandLanes;
  private readonly open = new Map<number, M>();
  private readonly begun = performance.now();
  private readonly giveBack: () => void;
  private tellLost!: (info: DeviceLostInfo) => void;
  private ending = false;
  private closing = Promise.resolve();

  constructor({ info, limits, features = [], lanes, release }: DriverSetup) {
    this.info = info;
    this.limits = limits;
    this.features = new Set(features);
    this.giveBack = release;
    this.faults = new FaultRing(limits.faultBuffer);
    this.lost = new Promise((resolve) => (this.tellLost = resolve));
    this.mmus = new MmuTable(info.name);
    this.lanes = new CommandLanes(this, this.mmus, (command, queue) => this.execute(command, queue), lanes);
    this.queues = this.lanes.queues;
  }

  now(): number {
    return (performance.now() - this.begun) * 1000;
  }

  async createMmu(options: MmuOptions): Promise<DeviceMmu> {
    const checked = checkMmuOptions(options, this);
    if (this.gone !== undefined) throw this.gone;
    const mmu = this.mmus.open((id) => this.makeMmu(id, checked));
    this.open.set(mmu.id, mmu);
    return mmu;
  }

  /** Makes it fail as if the driver had gone: for tests, and for when it has. */
  lose(message: string, cause?: unknown): Promise<void> {
    return this.end('failed', message, cause);
  }

  /** @throws MirrorError `DEVICE_TIMEOUT` where the driver does not answer */
  close(): Promise<void> {
    return this.end('closed', `${this.info.name} was closed`);
  }

  /** Why it takes no commands any more; those that were pending have failed. */
  protected get gone(): MirrorError | undefined {
    return this.lanes.gone;
  }

  /** Opens a page table. @throws MirrorError */
  protected abstract makeMmu(id: number, options: Required<MmuOptions>): M;

  /** Gives a command its effect; what it throws, its submission fails with. */
  protected abstract execute(command: Command, queue: SubmissionQueue): Promise<void>;

  /** All that is pending has failed: ends what waits. */
  protected stopped?(error: MirrorError): void;

  /** Nothing is under way any more: gives up what the device has. */
  protected freed?(): void | Promise<void>;

  /** A page table was closed. `false`: it was before. */
  protected forget(mmu: number): boolean {
    this.open.delete(mmu);
    return this.mmus.delete(mmu);
  }

  /** The error for what the device does not do. */
  protected unsupported(what: string): MirrorError {
    return new MirrorError('UNSUPPORTED', `${this.info.name} has no ${what}`, { device: this.info.name });
  }

  private end(reason: DeviceLostInfo['reason'], message: string, cause?: unknown): Promise<void> {
    // What fails while it ends would end it again.
    if (!this.ending) {
      this.ending = true;
      this.closing = this.finish(reason, message, cause);
      // Who lost it waits for nothing; `close` tells.
      this.closing.catch(() => undefined);
    }
    return this.closing;
  }

  private async finish(reason: DeviceLostInfo['reason'], message: string, cause: unknown): Promise<void> {
    const code = reason === 'closed' ? 'CLOSED' : 'DEVICE_LOST';
    const error = new MirrorError(code, message, { device: this.info.name, cause });
    const stopped = this.lanes.stop(error);
    this.stopped?.(error);
    this.tellLost({ reason, message });
    // Also where the driver answers only after nobody waits any more.
    const ended = this.lanes.idle().then(() => this.giveUp());
    ended.catch(() => undefined);
    await stopped;
    await inTime(this.info.name, `${this.info.description} to be closed`, ended);
  }

  private async giveUp(): Promise<void> {
    try {
      await Promise.all(Array.from(this.open.values(), (mmu) => mmu.close()));
    } finally {
      // Also where a page table could not be closed in time: the device is gone for everybody.
      await this.freed?.();
      this.giveBack();
    }
  }
}
