import {
  BIT_ACCESSED,
  BIT_DIRTY,
  createFaultBatch,
  PTE_READ,
  PTE_WRITE,
  type Command,
  type CommandQueue,
  type DeviceMmu,
  type Fence,
  type JsProgram,
  type SubmitOptions,
} from '@mirrorspace/core/driver';
import type { Env } from './env.js';
import { TestFrames } from './frames.js';
import type { LowerLimits, WatchedDevice } from './watch.js';

/** Rights of an ordinary page. */
export const RW = PTE_READ | PTE_WRITE;
/** Rights of a read-only page. */
export const RO = PTE_READ;
/** Both bits an entry can carry. */
export const BITS = BIT_ACCESSED | BIT_DIRTY;

/** One reported fault. */
export interface Fault {
  readonly mmu: number;
  readonly page: number;
  readonly access: number;
  readonly queue: number;
}

/** What a rig is opened with. */
export interface RigOptions {
  readonly limits?: LowerLimits;
  /** Frames of host memory. Default 8. */
  readonly hostFrames?: number;
  readonly device?: WatchedDevice;
  readonly faultPageSize?: number;
}

/** Page numbers that a managed MMU is tried on start here: not at zero, so that numbers and addresses differ from counts. */
export const FIRST_PAGE = 16;

/**
 * A device with one managed MMU and short names for commands. Pages are named from 0 and lie at {@link FIRST_PAGE}.
 * Methods that end in a Promise wait for their fence, with the case's bound.
 */
export class Rig {
  readonly host: TestFrames;
  readonly pageSize: number;
  readonly paging: CommandQueue;
  readonly user: CommandQueue;

  private constructor(
    readonly env: Env,
    readonly device: WatchedDevice,
    readonly mmu: DeviceMmu,
    hostFrames: number,
  ) {
    this.pageSize = env.pageSize;
    this.host = new TestFrames(this.pageSize, hostFrames);
    this.paging = queueOf(device, true);
    this.user = queueOf(device, false);
  }

  /** Opens a device (or takes one) and an MMU on it. */
  static async open(env: Env, options: RigOptions = {}): Promise<Rig> {
    const device = options.device ?? (await env.open(options.limits));
    const mmu = await device.createMmu({
      addressBits: device.limits.addressBits,
      faultPageSize: options.faultPageSize ?? env.pageSize,
    });
    return new Rig(env, device, mmu, options.hostFrames ?? 8);
  }

  /** Another rig on the same device: a second MMU. */
  sibling(): Promise<Rig> {
    return Rig.open(this.env, { device: this.device });
  }

  /** Frames of device memory. */
  get frameCount(): number {
    return Math.floor(this.device.limits.memory / this.pageSize);
  }

  /** Byte address in a page. */
  at(page: number, offset = 0): number {
    return (FIRST_PAGE + page) * this.pageSize + offset;
  }

  /** Page list fields for pages named from 0. */
  list(pages: readonly number[]): { mmu: number; pageSize: number; count: number; pages: Float64Array } {
    const { mmu, pageSize } = this;
    return { mmu: mmu.id, pageSize, count: pages.length, pages: Float64Array.from(pages, (page) => FIRST_PAGE + page) };
  }

  mapCommand(pages: readonly number[], frames: readonly number[], access = RW): Command {
    const rights = new Uint8Array(pages.length).fill(access);
    return { kind: 'map', ...this.list(pages), frames: Uint32Array.from(frames), access: rights };
  }

  unmapCommand(pages: readonly number[], bits?: Uint8Array): Command {
    return { kind: 'unmap', ...this.list(pages), ...(bits && { bits }) };
  }

  flushCommand(pages?: readonly number[]): Command {
    return pages ? { kind: 'flushTlb', ...this.list(pages) } : { kind: 'flushTlb', mmu: this.mmu.id };
  }

  protectCommand(pages: readonly number[], access: number, bits?: Uint8Array): Command {
    return {
      kind: 'protect',
      ...this.list(pages),
      access: new Uint8Array(pages.length).fill(access),
      ...(bits && { bits }),
    };
  }

  replayCommand(window?: number): Command {
    return { kind: 'replayFaults', mmu: this.mmu.id, ...(window !== undefined && { window }) };
  }

  cancelCommand(pages: readonly number[], reason: number): Command {
    return { kind: 'cancelFaults', ...this.list(pages), reasons: new Uint8Array(pages.length).fill(reason) };
  }

  copyCommand(
    kind: 'copyIn' | 'copyOut',
    hostFrames: readonly number[],
    frames: readonly number[],
    when?: Uint8Array,
  ): Command {
    const { host, pageSize } = this;
    const common = { pageSize, count: frames.length, host, frames: Uint32Array.from(frames) };
    const listed = { ...common, hostFrames: Uint32Array.from(hostFrames) };
    return kind === 'copyIn' ? { kind, ...listed } : { kind, ...listed, ...(when && { when }) };
  }

  readCommand(address: number, into: Uint8Array): Command {
    return { kind: 'read', mmu: this.mmu.id, address, into };
  }

  writeCommand(address: number, from: Uint8Array): Command {
    return { kind: 'write', mmu: this.mmu.id, address, from };
  }

  atomicCommand(address: number, value: number, previous = new Uint32Array(1)): Command {
    return { kind: 'atomicAdd', mmu: this.mmu.id, address, value, previous };
  }

  launchCommand(run: JsProgram['run'], grid: [number, number, number], args: readonly number[] = []): Command {
    const program: JsProgram = { language: 'js', run };
    return { kind: 'launch', mmu: this.mmu.id, program, grid, args };
  }

  /** Waits for a fence with the case's bound. */
  wait(fence: Fence, what = `fence ${fence.value} of queue ${fence.queue}`): Promise<void> {
    this.env.at(`waiting for ${what}`);
    return this.env.expect(what, fence.wait({ timeoutMs: this.env.waitMs }));
  }

  /** Runs commands on the paging queue. */
  page(...commands: Command[]): Promise<void> {
    return this.wait(this.paging.submit(commands), commands.map(({ kind }) => kind).join(', '));
  }

  /** Starts commands on the user queue. */
  start(commands: Command | readonly Command[], options?: SubmitOptions): Fence {
    const list: readonly Command[] = Array.isArray(commands) ? commands : [commands as Command];
    return options ? this.user.submit(list, options) : this.user.submit(list);
  }

  map(pages: readonly number[], frames: readonly number[], access = RW): Promise<void> {
    return this.page(this.mapCommand(pages, frames, access));
  }

  /** Unmaps, flushes, and gives the entries' last bits. */
  async unmap(pages: readonly number[]): Promise<Uint8Array> {
    const bits = new Uint8Array(pages.length);
    await this.page(this.unmapCommand(pages, bits), this.flushCommand(pages));
    return bits;
  }

  async harvest(pages: readonly number[]): Promise<Uint8Array> {
    const bits = new Uint8Array(pages.length).fill(0xff);
    await this.page({ kind: 'harvest', ...this.list(pages), bits });
    return bits;
  }

  /** Puts bytes into a device frame by way of host frame 0. */
  async load(frame: number, bytes: Uint8Array): Promise<void> {
    this.host.bytesOf(0).fill(0);
    this.host.bytesOf(0).set(bytes);
    await this.page(this.copyCommand('copyIn', [0], [frame]));
  }

  /** Copies a device frame out by way of host frame 1. */
  async unload(frame: number): Promise<Uint8Array> {
    this.host.bytesOf(1).fill(0xee);
    await this.page(this.copyCommand('copyOut', [1], [frame]));
    return this.host.bytesOf(1).slice();
  }

  async read(address: number, bytes: number): Promise<Uint8Array> {
    const into = new Uint8Array(bytes);
    await this.wait(this.start(this.readCommand(address, into)), `read of ${bytes} bytes`);
    return into;
  }

  write(address: number, from: Uint8Array): Promise<void> {
    return this.wait(this.start(this.writeCommand(address, from)), `write of ${from.length} bytes`);
  }

  /** Waits until `count` work units or accesses are stalled. */
  stalled(count = 1): Promise<void> {
    return this.env.until(() => this.device.faults.stalled >= count, `${count} accesses are stalled`);
  }

  /** Waits for a stall and takes every reported fault out of the buffer. */
  async faults(): Promise<Fault[]> {
    await this.env.until(() => this.device.faults.pending > 0, 'a fault is reported');
    return this.drain();
  }

  /** Takes what is in the fault buffer, at once. */
  drain(): Fault[] {
    const batch = createFaultBatch(Math.max(1, this.device.faults.capacity));
    const found: Fault[] = [];
    while (this.device.faults.drain(batch) > 0) {
      for (let i = 0; i < batch.count; i++) {
        const page = (batch.pages[i] ?? NaN) - FIRST_PAGE;
        found.push({ mmu: batch.mmus[i] ?? -1, page, access: batch.access[i] ?? 0, queue: batch.queues[i] ?? -1 });
      }
    }
    return found;
  }
}

function queueOf(device: WatchedDevice, paging: boolean): CommandQueue {
  const queue = device.queues.find((candidate) => candidate.paging === paging);
  if (!queue)
    throw new TypeError(`the device has no ${paging ? 'paging' : 'user'} queue (Device.queues: at least one of each)`);
  return queue;
}
