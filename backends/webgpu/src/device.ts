import type {
  Command,
  DeviceFeature,
  DeviceInfo,
  DeviceLimits,
  DeviceLostInfo,
  DeviceMmu,
  MmuOptions,
  QueuePriority,
} from '@mirrorspace/core/driver';
import {
  CANCEL_NOT_MAPPED,
  cancelledAccess,
  checkMmuOptions,
  FaultRing,
  MirrorError,
  MmuTable,
  SubmissionQueue,
} from '@mirrorspace/core/driver';
import { Engine } from './engine.js';
import { FramePool, type PoolShape, poolShape } from './frame-pool.js';
import { Ledger, type LedgerEntry } from './gpu/ledger.js';
import { scoped } from './gpu/scoped.js';
import { Stream } from './gpu/stream.js';
import { Uploads } from './gpu/uploads.js';
import type { WebgpuConfig } from './options.js';
import type { WgslProgram } from '@mirrorspace/core/driver';
import { lanesOf } from './program.js';
import { type AccessHost, AccessRun } from './run/access.js';
import { copyIn, copyOut } from './run/copies.js';
import { launchBuffers, type LaunchHost, LaunchRun } from './run/launch.js';
import { PatchKernel } from './run/patch-kernel.js';
import type { Run } from './run/run.js';
import { SettleKernel } from './run/settle-kernel.js';
import { BitsKernel } from './table/bits-kernel.js';
import { type MmuHost, WebgpuMmu } from './table/mmu.js';
import type { TableStart } from './table/radix.js';
import { type ControlLayout, controlLayout, MOST_ARGS } from './wgsl/control.js';
import { compile, type Kernel } from './wgsl/kernel.js';
import { FIRST_POOL_BINDING } from './wgsl/options.js';
import type { WebgpuDevice } from './webgpu-device.js';

const FEATURES: readonly DeviceFeature[] = [
  'queues',
  'priorities',
  'accessed-bits',
  'dirty-bits',
  'replayable-faults',
  'atomics',
  'read-only-maps',
  'program:wgsl',
];
/** Storage buffers that are not frames: page table, bits, control. */
const OWN_BUFFERS = 3;

/** A WebGPU device with a page table in software. */
export class PagedDevice implements WebgpuDevice, MmuHost, AccessHost, LaunchHost {
  readonly info: DeviceInfo;
  readonly limits: DeviceLimits;
  readonly features: ReadonlySet<DeviceFeature>;
  readonly faults: FaultRing;
  readonly queues: readonly SubmissionQueue[];
  readonly lost: Promise<DeviceLostInfo>;
  readonly name: string;
  readonly ledger: Ledger;
  readonly stream: Stream;
  readonly pool: FramePool;
  readonly patch: PatchKernel;
  readonly bitsKernel: BitsKernel;
  readonly pageSizes: readonly number[];
  readonly pageBytes: number;
  readonly addressBits: number;
  readonly residentUnits: number;
  readonly layout: ControlLayout;
  readonly control: GPUBuffer;
  readonly params: GPUBuffer;
  readonly indirect: GPUBuffer;
  readonly settleKernel: SettleKernel;
  readonly #gpu: GPUDevice;
  readonly #bindings: GPUBindGroupLayout;
  /** By program, as long as that lives: made for a flat table, and for one that has to be walked. */
  readonly #kernels = new WeakMap<WgslProgram, [flat?: Promise<Kernel>, deep?: Promise<Kernel>]>();
  readonly #keepsPages: boolean;
  readonly #engine: Engine;
  readonly #uploads: Uploads;
  readonly #mmus: MmuTable<WebgpuMmu>;
  readonly #start = performance.now();
  readonly #release: () => void;
  #resolveLost!: (info: DeviceLostInfo) => void;

  private constructor(
    config: WebgpuConfig,
    shape: PoolShape,
    name: string,
    description: string,
    gpu: GPUDevice,
    shared: boolean,
    release: () => void,
  ) {
    const { memory, pageSizes } = config;
    this.name = name;
    this.info = { name, backend: 'webgpu', description };
    this.#gpu = gpu;
    this.#release = release;
    this.#keepsPages = !runsOnCpu(gpu.adapterInfo);
    this.pageSizes = pageSizes;
    this.pageBytes = pageSizes[0]!;
    this.addressBits = config.addressBits;
    this.residentUnits = Math.min(config.residentUnits, gpu.limits.maxComputeWorkgroupsPerDimension);
    this.features = new Set(pageSizes.length > 1 ? [...FEATURES, 'page-sizes'] : FEATURES);
    this.limits = {
      pageSizes,
      memory,
      addressBits: config.addressBits,
      faultBuffer: config.faultBuffer,
      pagesPerCommand: 65_536,
      commandsPerSubmit: 1024,
      residentUnits: this.residentUnits,
      preemptionUs: 0,
    };
    this.faults = new FaultRing(config.faultBuffer);
    this.lost = new Promise((resolve) => (this.#resolveLost = resolve));
    this.ledger = new Ledger(gpu);
    this.stream = new Stream(gpu, this.ledger, (message) => this.lose(message));
    this.pool = new FramePool(this.ledger, shape);
    this.#uploads = new Uploads(this.ledger, this.stream, ringChunk(memory));
    this.patch = new PatchKernel(this.ledger, this.stream, this.pool);
    this.bitsKernel = new BitsKernel(this.ledger, this.stream, memory / this.pageBytes);
    this.layout = controlLayout(this.residentUnits, config.faultBuffer);
    const { control, params, indirect } = launchBuffers(this.ledger, this.layout);
    this.control = control;
    this.params = params;
    this.indirect = indirect;
    this.stream.write(indirect, 0, Uint32Array.of(0, 1, 1), 0, 12);
    this.settleKernel = new SettleKernel(this.stream, this.layout, control, params);
    this.#bindings = bindGroupLayout(gpu, this.pool.buffers.length);
    this.#mmus = new MmuTable(name);
    this.#engine = new Engine({
      name,
      stream: this.stream,
      faults: this.faults,
      lose: (message) => this.lose(message),
      page: (command) => this.#page(command),
      begin: (command, queue) => this.#begin(command, queue),
    });
    const priorities: QueuePriority[] = ['high', ...Array<QueuePriority>(config.queues).fill('normal'), 'high', 'low'];
    this.queues = priorities.map((priority, id) => this.#createQueue(id, priority, id === 0));
    void gpu.lost.then(({ message }) => this.lose(message));
    // On a shared device, errors that no scope of ours captured are somebody else's.
    if (!shared) gpu.addEventListener('uncapturederror', this.#onError);
  }

  /**
   * Opens a device, and makes sure that its memory is there.
   * @throws MirrorError `OUT_OF_DEVICE_MEMORY`, `INVALID_ARGUMENT`, `UNSUPPORTED`, `DEVICE_LOST`; nothing of it is left then
   */
  static async open(
    config: WebgpuConfig,
    name: string,
    description: string,
    gpu: GPUDevice,
    shared: boolean,
    release: () => void,
  ): Promise<PagedDevice> {
    const shape = shapeFor(config, gpu.limits);
    const { made, error } = await scoped(gpu, `${config.memory} bytes of device memory`, () => {
      return new PagedDevice(config, shape, name, description, gpu, shared, release);
    });
    const failure = error ?? made.#engine.gone;
    if (failure === undefined) return made;
    await made.close();
    throw failure;
  }

  get memoryUse(): readonly LedgerEntry[] {
    return this.ledger.entries();
  }

  now(): number {
    return (performance.now() - this.#start) * 1000;
  }

  async createMmu(options: MmuOptions): Promise<DeviceMmu> {
    const { faultPageSize, addressBits } = checkMmuOptions(options, this);
    if (this.#engine.gone !== undefined) throw this.#engine.gone;
    return this.#mmus.open((id) => new WebgpuMmu(this, id, addressBits, faultPageSize, this.addressBits));
  }

  close(): Promise<void> {
    this.#end(
      new MirrorError('CLOSED', `${this.name} was closed.`, { device: this.name }),
      'closed',
      'closed by close()',
    );
    return Promise.resolve();
  }

  /** It fails: by a reset, because the driver gave up, or because it refused what it was told. */
  lose(message: string): void {
    const text = `${this.name} is lost: ${message}. Open a new device.`;
    this.#end(new MirrorError('DEVICE_LOST', text, { device: this.name }), 'failed', message);
  }

  /** Makes no progress any more, until it is closed or lost. */
  hang(): void {
    this.#engine.hanging = true;
  }

  closed(mmu: WebgpuMmu): void {
    if (!this.#mmus.delete(mmu.id)) return;
    this.faults.purge(mmu.id);
    this.#engine.closeMmu(mmu.id, this.#mmus.closed(mmu.id));
  }

  report(mmu: WebgpuMmu, address: number, access: number, queue: number): void {
    // No page could ever come there, and no command could name it.
    if (address >= 2 ** mmu.addressBits) throw cancelledAccess(this.name, address, CANCEL_NOT_MAPPED);
    this.faults.report(mmu.id, Math.floor(address / mmu.faultPageSize), access, queue);
  }

  kernel(program: WgslProgram, mmu: WebgpuMmu): Promise<Kernel> {
    const { start, deep } = mmu.entries.table;
    let kernels = this.#kernels.get(program);
    if (kernels === undefined) this.#kernels.set(program, (kernels = []));
    return (kernels[deep ? 1 : 0] ??= this.#compile(program, start, deep));
  }

  #compile(program: WgslProgram, table: TableStart, deep: boolean): Promise<Kernel> {
    const { addressBits, pageBytes, layout } = this;
    const keepsPages = this.#keepsPages;
    const options = { addressBits, pageBytes, pool: this.pool.shape, control: layout, table, deep, keepsPages };
    return compile(this.#gpu, program, options, this.#bindings);
  }

  #createQueue(id: number, priority: QueuePriority, paging: boolean): SubmissionQueue {
    const { limits, features, name } = this;
    const check = { device: name, limits, features, paging, mmu: this.#mmus.lookup };
    const queue = new SubmissionQueue(id, priority, check, this.#engine);
    this.#engine.add(queue);
    return queue;
  }

  #begin(command: Command, queue: number): Run | undefined {
    switch (command.kind) {
      case 'launch': {
        const program = command.program as WgslProgram;
        if (typeof program.code !== 'string') throw new TypeError('a wgsl program needs its code');
        lanesOf(program, this.#gpu.limits.maxComputeInvocationsPerWorkgroup);
        if (command.args.length > MOST_ARGS)
          throw new RangeError(`${command.args.length} arguments; a launch takes ${MOST_ARGS}`);
        if (command.grid[0] * command.grid[1] * command.grid[2] > 2 ** 32 - 2)
          throw new RangeError('a launch has 2^32 - 2 work units at most');
        return new LaunchRun(this, this.#mmus.get(command.mmu), queue, command);
      }
      case 'read':
      case 'write':
      case 'fill':
      case 'atomicAdd':
        return new AccessRun(this, this.#mmus.get(command.mmu), queue, command);
      default:
        return undefined;
    }
  }

  #page(command: Command): Promise<void> | void {
    switch (command.kind) {
      case 'map': {
        const mmu = this.#mmus.get(command.mmu);
        const replaced: number[] = [];
        mmu.entries.map(command, replaced);
        return mmu.forget(replaced);
      }
      case 'unmap': {
        const mmu = this.#mmus.get(command.mmu);
        return mmu.take(command, (slot) => mmu.entries.remove(slot));
      }
      case 'protect': {
        const mmu = this.#mmus.get(command.mmu);
        return mmu.take(command, (slot, i) => mmu.entries.protect(slot, command.access[i]!));
      }
      case 'harvest':
        return this.#mmus.get(command.mmu).take(command, () => undefined);
      case 'copyIn':
        return copyIn(this.#uploads, this.stream, this.pool, command);
      case 'copyOut':
        return copyOut(this.stream, this.pool, command);
      case 'replayFaults':
        this.#mmus.get(command.mmu);
        return this.#engine.replay(command);
      case 'cancelFaults':
        this.#mmus.get(command.mmu);
        return this.#engine.cancel(command);
      case 'flushTlb':
        // No translation outlives a dispatch, and the table changes between dispatches only.
        this.#mmus.get(command.mmu);
        return;
      default: // discard: a buffer's storage cannot be given back in part.
    }
  }

  readonly #onError = (event: GPUUncapturedErrorEvent): void => {
    const { message } = event.error;
    // Dawn tells this synchronously, in the middle of the call that went wrong, and cannot destroy a device there.
    queueMicrotask(() => this.lose(message));
  };

  #end(error: MirrorError, reason: DeviceLostInfo['reason'], message: string): void {
    if (this.#engine.gone !== undefined) return;
    this.#engine.stop(error);
    this.#gpu.removeEventListener('uncapturederror', this.#onError);
    this.ledger.close();
    this.#release();
    this.#resolveLost({ reason, message });
  }
}

/** How frames lie in buffers that programs can see. @throws MirrorError `UNSUPPORTED` */
function shapeFor({ memory, pageSizes, largestBuffer }: WebgpuConfig, limits: GPUSupportedLimits): PoolShape {
  return poolShape(
    memory,
    pageSizes.at(-1)!,
    largestBuffer,
    limits.maxStorageBuffersPerShaderStage - OWN_BUFFERS,
    limits,
  );
}

function bindGroupLayout(gpu: GPUDevice, pools: number): GPUBindGroupLayout {
  const types: GPUBufferBindingType[] = ['read-only-storage', 'storage', 'storage', 'uniform'];
  while (types.length < FIRST_POOL_BINDING + pools) types.push('storage');
  const entries = types.map((type, binding) => ({ binding, visibility: 0x4, buffer: { type } }));
  return gpu.createBindGroupLayout({ entries });
}

/** Whether a device is software: its lanes run in step, and pay for branches that none of them takes. */
function runsOnCpu(info: Partial<GPUAdapterInfo> = {}): boolean {
  const { isFallbackAdapter = false, vendor, architecture, description } = info;
  return (
    isFallbackAdapter ||
    /swiftshader|llvmpipe|lavapipe|microsoft basic/i.test(`${vendor} ${architecture} ${description}`)
  );
}

/** Bytes of one buffer of the upload ring: enough that its turn costs little, and all of them a quarter of the device's memory at most. */
function ringChunk(memory: number): number {
  return 2 ** Math.floor(Math.log2(Math.min(16 * 2 ** 20, Math.max(65_536, memory / 16))));
}
