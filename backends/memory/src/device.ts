import type {
  Device,
  DeviceInfo,
  DeviceLimits,
  DeviceLostInfo,
  DeviceMmu,
  MmuOptions,
  QueuePriority,
} from '@mirrorspace/core/driver';
import { FaultRing, MirrorError } from '@mirrorspace/core/driver';
import { SimClock } from './clock.js';
import { Engine } from './engine.js';
import { FramePool } from './frames.js';
import { Mmu, type MmuOwner } from './mmu.js';
import type { MemoryConfig } from './options.js';
import { MemoryQueue } from './queue.js';
import { Random } from './random.js';
import { ScriptRunner } from './script.js';

const MMU_IDS = 65_536;

/** The reference device. */
export class MemoryDevice implements Device, MmuOwner {
  readonly info: DeviceInfo;
  readonly limits: DeviceLimits;
  readonly features: MemoryConfig['features'];
  readonly queues: readonly MemoryQueue[];
  readonly faults: FaultRing;
  readonly lost: Promise<DeviceLostInfo>;
  readonly #config: MemoryConfig;
  readonly #engine: Engine;
  readonly #pool: FramePool;
  readonly #clock: SimClock;
  readonly #startMs = performance.now();
  /** Time is simulated where it passes on the device, or where a clock was given. */
  readonly #simulated: boolean;
  readonly #release: () => void;
  #resolveLost!: (info: DeviceLostInfo) => void;
  #nextMmu = 0;
  #dropsAccessed = false;

  /** `release` is called once, when the device is gone. */
  constructor(config: MemoryConfig, name: string, release: () => void) {
    const { memory, pageSizes, features } = config;
    this.#config = config;
    this.#release = release;
    this.features = features;
    this.info = { name, backend: 'memory', description: `in-memory reference device, ${memory} bytes` };
    this.limits = {
      pageSizes,
      memory,
      addressBits: config.addressBits,
      faultBuffer: config.faultBuffer,
      pagesPerCommand: config.pagesPerCommand,
      commandsPerSubmit: config.commandsPerSubmit,
      residentUnits: config.residentUnits,
      preemptionUs: config.preemptionUs,
    };
    this.lost = new Promise((resolve) => (this.#resolveLost = resolve));
    this.faults = new FaultRing(config.faultBuffer);
    this.#clock = config.clock ?? new SimClock();
    this.#simulated = config.latency !== undefined || config.clock !== undefined;
    this.#pool = new FramePool(name, memory, pageSizes[0]!, pageSizes.at(-1)!);
    this.#engine = new Engine({
      ...config,
      name,
      pool: this.#pool,
      poison: config.poison,
      faults: this.faults,
      clock: this.#clock,
      random: new Random(config.seed),
    });
    for (let id = 0; id < config.queues; id++) this.#addQueue('normal', false);
    for (let i = 0; i < config.pagingQueues; i++)
      this.#addQueue(i === 0 && features.has('priorities') ? 'high' : 'normal', true);
    this.queues = this.#engine.queues;
    if (config.faults.length > 0) this.#engine.script = this.#createScript(name);
  }

  now(): number {
    return this.#simulated ? this.#clock.now : (performance.now() - this.#startMs) * 1000;
  }

  async createMmu(options: MmuOptions): Promise<DeviceMmu> {
    if (typeof options !== 'object' || options === null) throw new TypeError('createMmu needs { addressBits }');
    const { addressBits, faultPageSize = this.limits.pageSizes[0]! } = options;
    for (const [what, value] of Object.entries({ addressBits, faultPageSize })) {
      if (typeof value !== 'number') throw new TypeError(`${what} must be a number, got ${typeof value}`);
      if (!(Number.isInteger(value) && value > 0)) throw new RangeError(`${what} must be an integer > 0, got ${value}`);
    }
    if (this.#engine.gone !== undefined) throw this.#engine.gone;
    if (addressBits < 32 || addressBits > this.limits.addressBits) {
      throw this.#unsupported(`addresses of ${addressBits} bits; it offers 32 to ${this.limits.addressBits}`);
    }
    if (!this.limits.pageSizes.includes(faultPageSize)) {
      throw this.#unsupported(`pages of ${faultPageSize} bytes; it offers ${this.limits.pageSizes.join(', ')}`);
    }
    const mmu = new Mmu(
      {
        id: this.#takeMmuId(),
        addressBits,
        faultPageSize,
        pageSizes: this.limits.pageSizes,
        tlbEntries: this.#config.tlbEntries,
        accessedBits: this.features.has('accessed-bits'),
        dirtyBits: this.features.has('dirty-bits'),
      },
      this,
    );
    mmu.dropsAccessed = this.#dropsAccessed;
    this.#engine.executor.mmus.set(mmu.id, mmu);
    return mmu;
  }

  close(): Promise<void> {
    this.#end(
      new MirrorError('CLOSED', `${this.info.name} was closed.`, { device: this.info.name }),
      'closed',
      'closed by close()',
    );
    return Promise.resolve();
  }

  /** Fails as by a reset or an unplugged cable: pending work ends with `DEVICE_LOST`. */
  lose(message: string): void {
    this.#end(
      new MirrorError('DEVICE_LOST', `${this.info.name} is lost: ${message}. Open a new device.`, {
        device: this.info.name,
      }),
      'failed',
      message,
    );
  }

  /** Makes no progress any more, until it is closed or lost. */
  hang(): void {
    this.#engine.hanging = true;
  }

  /** An MMU of this device was closed. */
  closed(mmu: Mmu): void {
    this.#engine.executor.mmus.delete(mmu.id);
    this.faults.purge(mmu.id);
    this.#engine.closeMmu(mmu.id);
  }

  #end(error: MirrorError, reason: DeviceLostInfo['reason'], message: string): void {
    if (this.#engine.gone !== undefined) return;
    this.#engine.stop(error);
    for (const mmu of this.#engine.executor.mmus.values()) {
      mmu.open = false;
      this.faults.purge(mmu.id);
    }
    this.#engine.executor.mmus.clear();
    this.#pool.clear();
    this.#release();
    this.#resolveLost({ reason, message });
  }

  #addQueue(priority: QueuePriority, paging: boolean): void {
    const { executor, queues } = this.#engine;
    const given = this.#config.priorities[queues.length] ?? priority;
    const mmuOf = (id: number) => executor.mmus.get(id) ?? (id < this.#nextMmu ? ('closed' as const) : undefined);
    const check = { device: this.info.name, limits: this.limits, features: this.features, paging, mmu: mmuOf };
    queues.push(new MemoryQueue(queues.length, given, this.#engine, check));
  }

  #createScript(name: string): ScriptRunner {
    return new ScriptRunner(name, this.#config.faults, {
      lose: (message) => this.lose(message),
      limitFaultBuffer: (entries) => {
        this.faults.limit = entries;
      },
      dropAccessedBits: () => {
        this.#dropsAccessed = true;
        for (const mmu of this.#engine.executor.mmus.values()) mmu.dropsAccessed = true;
      },
      at: (timeUs, run) => void this.#clock.background(timeUs, run),
    });
  }

  /** Ids go up, so that a command for an MMU closed before is told from one for an MMU that never was. */
  #takeMmuId(): number {
    if (this.#nextMmu < MMU_IDS) return this.#nextMmu++;
    for (let id = 0; id < MMU_IDS; id++) if (!this.#engine.executor.mmus.has(id)) return id;
    throw this.#unsupported(`more than ${MMU_IDS} MMUs at once`);
  }

  #unsupported(what: string): MirrorError {
    return new MirrorError('UNSUPPORTED', `${this.info.name} does not offer ${what}.`, { device: this.info.name });
  }
}
