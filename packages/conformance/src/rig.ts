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
  type PageList,
  type SubmitOptions,
  type WasmProgram,
  type WgslProgram,
} from '@mirrorspace/core/driver';
import type { Env } from './env.js';
import { TestFrames } from './frames.js';
import { programOf, type Units } from './units.js';
import type { LowerLimits, WatchedDevice } from './watch.js';

/** Rights of an ordinary page. */
export const RW = PTE_READ | PTE_WRITE;
/** Rights of a read-only page. */
export const RO = PTE_READ;
/** Both bits an entry can carry. */
export const BITS = BIT_ACCESSED | BIT_DIRTY;

/** One reported fault. */
export interface Fault {
  /** Id of the MMU. */
  readonly mmu: number;
  /** Page as cases name it: from 0, in units of the fault page size. */
  readonly page: number;
  /** A `FAULT_*` code. */
  readonly access: number;
  /** Id of the queue that stalled. */
  readonly queue: number;
}

/** What a rig is opened with. */
export interface RigOptions {
  /** Limits to lower. */
  readonly limits?: LowerLimits;
  /** Frames of host memory. Default 8. */
  readonly hostFrames?: number;
  /** A device to use; opened if left out. */
  readonly device?: WatchedDevice;
  /** Bytes. Default: the page size of the case. */
  readonly faultPageSize?: number;
}

/** Page numbers that a managed MMU is tried on start here: not at zero, so that numbers and addresses differ from counts. */
export const FIRST_PAGE = 16;

/**
 * A device with one managed MMU and short names for commands. Pages are named from 0 and lie at {@link FIRST_PAGE}.
 * Methods that end in a Promise wait for their fence, with the case's bound.
 */
export class Rig {
  /** Host frames to copy from and to. */
  readonly host: TestFrames;
  /** Bytes a page: the page size of the case. */
  readonly pageSize: number;
  /** The device's first paging queue. */
  readonly paging: CommandQueue;
  /** The device's first user queue. */
  readonly user: CommandQueue;

  private constructor(
    /** The case it serves. */
    readonly env: Env,
    /** The device under test. */
    readonly device: WatchedDevice,
    /** The MMU that its commands are for. */
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
  list(pages: readonly number[]): PageList {
    const { mmu, pageSize } = this;
    return { mmu: mmu.id, pageSize, count: pages.length, pages: Float64Array.from(pages, (page) => FIRST_PAGE + page) };
  }

  /** Maps `pages[i]` to `frames[i]`, all with the same rights: `PTE_*` bits. */
  mapCommand(pages: readonly number[], frames: readonly number[], access = RW): Command {
    const rights = new Uint8Array(pages.length).fill(access);
    return { kind: 'map', ...this.list(pages), frames: Uint32Array.from(frames), access: rights };
  }

  /** Unmaps pages; `bits` receives the entries' last bits. */
  unmapCommand(pages: readonly number[], bits?: Uint8Array): Command {
    return { kind: 'unmap', ...this.list(pages), ...(bits && { bits }) };
  }

  /** Flushes cached translations of pages, or of the whole MMU. */
  flushCommand(pages?: readonly number[]): Command {
    return pages ? { kind: 'flushTlb', ...this.list(pages) } : { kind: 'flushTlb', mmu: this.mmu.id };
  }

  /** Gives all pages the same rights; `bits` receives the entries' bits. */
  protectCommand(pages: readonly number[], access: number, bits?: Uint8Array): Command {
    return {
      kind: 'protect',
      ...this.list(pages),
      access: new Uint8Array(pages.length).fill(access),
      ...(bits && { bits }),
    };
  }

  /** Lets stalled accesses try again, at most `window` work units a launch where it is given. */
  replayCommand(window?: number): Command {
    return { kind: 'replayFaults', mmu: this.mmu.id, ...(window !== undefined && { window }) };
  }

  /** Fails the accesses stalled on pages, all for the same `CANCEL_*` reason. */
  cancelCommand(pages: readonly number[], reason: number): Command {
    return { kind: 'cancelFaults', ...this.list(pages), reasons: new Uint8Array(pages.length).fill(reason) };
  }

  /** Copies between host frame `hostFrames[i]` and device frame `frames[i]`; `when` is for `copyOut`. */
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

  /** Reads `into.length` bytes at a byte address. */
  readCommand(address: number, into: Uint8Array): Command {
    return { kind: 'read', mmu: this.mmu.id, address, into };
  }

  /** Writes bytes at a byte address. */
  writeCommand(address: number, from: Uint8Array): Command {
    return { kind: 'write', mmu: this.mmu.id, address, from };
  }

  /** Adds to the 32-bit word at a byte address; `previous[0]` receives the old value. */
  atomicCommand(address: number, value: number, previous = new Uint32Array(1)): Command {
    return { kind: 'atomicAdd', mmu: this.mmu.id, address, value, previous };
  }

  /** Runs units over a grid, in a language of the device. */
  launchCommand(units: Units, grid: [number, number, number], args: readonly number[] = []): Command {
    const program = programOf(this.device.features, units);
    return { kind: 'launch', mmu: this.mmu.id, program, grid, args };
  }

  /** Runs a JavaScript function over a grid: for cases about that language. */
  launchJs(run: JsProgram['run'], grid: [number, number, number], args: readonly number[] = []): Command {
    const program: JsProgram = { language: 'js', run };
    return { kind: 'launch', mmu: this.mmu.id, program, grid, args };
  }

  /** Runs a program in WGSL over a grid: for cases about that language. */
  launchWgsl(
    program: Omit<WgslProgram, 'language'>,
    grid: [number, number, number],
    args: readonly number[] = [],
  ): Command {
    return { kind: 'launch', mmu: this.mmu.id, program: { ...program, language: 'wgsl' }, grid, args };
  }

  /** Runs a module in WebAssembly, as bytes or text, over a grid: for cases about that language. */
  launchWasm(code: WasmProgram['code'], grid: [number, number, number], args: readonly number[] = []): Command {
    const program: WasmProgram = { language: 'wasm', code };
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

  /** Maps pages to frames and waits. */
  map(pages: readonly number[], frames: readonly number[], access = RW): Promise<void> {
    return this.page(this.mapCommand(pages, frames, access));
  }

  /** Unmaps, flushes, and gives the entries' last bits. */
  async unmap(pages: readonly number[]): Promise<Uint8Array> {
    const bits = new Uint8Array(pages.length);
    await this.page(this.unmapCommand(pages, bits), this.flushCommand(pages));
    return bits;
  }

  /** Reads and clears the entries' bits: a byte a page. */
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

  /** Reads bytes by the user queue and waits. */
  async read(address: number, bytes: number): Promise<Uint8Array> {
    const into = new Uint8Array(bytes);
    await this.wait(this.start(this.readCommand(address, into)), `read of ${bytes} bytes`);
    return into;
  }

  /** Writes bytes by the user queue and waits. */
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
