import type {
  Command,
  Device,
  DeviceFeature,
  DeviceInfo,
  DeviceLimits,
  DeviceLostInfo,
  DeviceMmu,
  LaunchCommand,
  MmuOptions,
  QueuePriority,
  SubmissionOwner,
  WasmProgram,
} from '@mirrorspace/core/driver';
import { checkMmuOptions, MirrorError, MmuTable, SubmissionQueue } from '@mirrorspace/core/driver';
import { MessageChannel } from 'node:worker_threads';
import { AdminLane } from './admin.js';
import { SharedFaults } from './faults.js';
import { failureOf } from './failure.js';
import { HostBuffers } from './host-buffers.js';
import { Lane, type LaneHost } from './lane.js';
import { HEAD, MMU, MOST_MMUS, SLOT, STATE } from './words.js';
import { NativeMmu } from './mmu.js';
import type { Modules } from './modules.js';
import { NewsWatch } from './news-watch.js';
import type { NativeConfig } from './options.js';
import { WASM_PAGE } from './layout.js';
import { type Compiled, Programs } from './programs.js';
import type { Shared } from './shared.js';
import { Thread, type ThreadListener } from './threads.js';
import { prioritiesOf, RANK } from './shape.js';
import { Units } from './units.js';

const FEATURES: readonly DeviceFeature[] = [
  'queues',
  'priorities',
  'accessed-bits',
  'dirty-bits',
  'replayable-faults',
  'atomics',
  'read-only-maps',
  'program:wasm',
];
/** A device that runs in threads of this process. The host's side: it sends, hears and settles. */
export class NativeDevice implements Device, SubmissionOwner, LaneHost, ThreadListener {
  readonly info: DeviceInfo;
  readonly limits: DeviceLimits;
  readonly features: ReadonlySet<DeviceFeature>;
  readonly faults: SharedFaults;
  readonly queues: readonly SubmissionQueue[];
  readonly lost: Promise<DeviceLostInfo>;
  readonly name: string;
  readonly pageSizes: readonly number[];
  readonly buffers: HostBuffers;
  gone: MirrorError | undefined;
  readonly #lanes: readonly Lane[];
  /** Lanes as they get their turn. */
  readonly #ranked: readonly Lane[];
  readonly #admin: AdminLane;
  readonly #engine: Thread;
  readonly #units: Units;
  readonly #programs: Programs;
  readonly #mmus: MmuTable<NativeMmu>;
  readonly #places: (NativeMmu | undefined)[] = Array<NativeMmu | undefined>(MOST_MMUS);
  readonly #start = performance.now();
  readonly #release: () => void;
  #resolveLost!: (info: DeviceLostInfo) => void;
  #closed: Promise<void> | undefined;
  readonly #watch: NewsWatch;
  #turns = 0;
  #held = false;

  constructor(
    config: NativeConfig,
    name: string,
    readonly shared: Shared,
    modules: Modules,
    release: () => void,
  ) {
    const { pageSizes } = config;
    this.name = name;
    this.info = { name, backend: 'native', description: `${config.units} threads a queue in this process` };
    this.pageSizes = pageSizes;
    this.features = new Set(pageSizes.length > 1 ? [...FEATURES, 'page-sizes'] : FEATURES);
    this.limits = {
      pageSizes,
      memory: config.memory,
      addressBits: config.addressBits,
      faultBuffer: config.faultBuffer,
      pagesPerCommand: 4096,
      commandsPerSubmit: 1024,
      residentUnits: config.units,
      preemptionUs: 0,
    };
    this.#release = release;
    this.lost = new Promise((resolve) => (this.#resolveLost = resolve));
    this.faults = new SharedFaults(shared, config.faultBuffer, (place) => this.#places[place]);
    this.#mmus = new MmuTable(name);
    this.#programs = new Programs(name, shared.layout.framesBytes / WASM_PAGE);
    this.queues = prioritiesOf(config.queues).map((priority, id) => this.#createQueue(id, priority));
    this.#lanes = this.queues.map((queue) => new Lane(this, queue));
    this.#ranked = this.#lanes.toSorted((a, b) => RANK[b.queue.priority] - RANK[a.queue.priority]);
    this.#admin = new AdminLane(shared, this.queues.length);
    this.#units = new Units(shared, modules, this);
    this.#watch = new NewsWatch(shared.words, (isNew) => this.#turn(isNew));
    const { shape, control, frames } = shared;
    const { port1, port2 } = new MessageChannel();
    port1.unref();
    this.buffers = new HostBuffers(port1);
    this.#engine = Thread.start({ shape, control, frames, port: port2 }, this);
  }

  now(): number {
    return (performance.now() - this.#start) * 1000;
  }

  async createMmu(options: MmuOptions): Promise<DeviceMmu> {
    const { faultPageSize, addressBits } = checkMmuOptions(options, this);
    if (this.gone !== undefined) throw this.gone;
    const place = this.#places.findIndex((mmu) => mmu === undefined);
    if (place < 0) throw this.#error('UNSUPPORTED', `has ${MOST_MMUS} MMUs at most; close one`);
    const mmu = this.#mmus.open(
      (id) => new NativeMmu(id, addressBits, faultPageSize, place, (each) => this.#closeMmu(each)),
    );
    this.#places[place] = mmu;
    const opened = this.#admin.open(place, 2 ** addressBits);
    this.kick();
    if (await opened) return mmu;
    this.#mmus.delete(mmu.id);
    this.#places[place] = undefined;
    throw this.gone ?? this.#error('OUT_OF_DEVICE_MEMORY', 'has no room for another page table; close an MMU');
  }

  close(): Promise<void> {
    return this.#end(this.#error('CLOSED', 'was closed'), 'closed', 'closed by close()');
  }

  /** It fails: by a thread that ended, or for the conformance suite. */
  lose(message: string): void {
    void this.#end(this.#error('DEVICE_LOST', `is lost: ${message}; open a new device`), 'failed', message);
  }

  /** Makes no progress any more, until it is closed or lost. */
  hang(): void {
    Atomics.store(this.shared.words, HEAD.hangs, 1);
  }

  heartbeat(): number {
    return this.#turns + this.faults.retired;
  }

  kick(): void {
    this.#watch.kick();
  }

  news(): void {
    this.#watch.hear();
  }

  died(message: string): void {
    this.lose(message);
  }

  isOpen(mmu: number): boolean {
    return this.#mmus.lookup(mmu) instanceof NativeMmu;
  }

  mmu(id: number): NativeMmu {
    return this.#mmus.get(id);
  }

  prepare(queue: number, { program, grid }: LaunchCommand): Promise<Compiled> {
    const count = Math.min(this.limits.residentUnits, grid[0] * grid[1] * grid[2]);
    return this.#programs.get(program as WasmProgram).then((compiled) => {
      if (this.gone === undefined) this.#units.prepare(queue, count, compiled);
      return compiled;
    });
  }

  retire(): void {
    this.faults.retire();
  }

  failure(queue: number, command: Command | undefined): MirrorError {
    const mmu = command !== undefined && 'mmu' in command ? command.mmu : 0;
    return failureOf(this.name, this.shared, queue, () => this.#mmus.closed(mmu));
  }

  #createQueue(id: number, priority: QueuePriority): SubmissionQueue {
    const { info, limits, features } = this;
    const check = { device: info.name, limits, features, paging: id === 0, mmu: this.#mmus.lookup };
    return new SubmissionQueue(id, priority, check, this);
  }

  /** Takes what there is of news, and sends what can go on. Whether something is under way then. */
  #turn(isNew: boolean): boolean {
    if (this.gone !== undefined) return false;
    if (isNew) this.#turns++;
    this.#admin.advance();
    if (Atomics.load(this.shared.words, HEAD.hangs) === 0) for (const lane of this.#ranked) lane.advance();
    this.#units.endOverdue();
    if (this.faults.take() || (isNew && this.faults.stalled > 0)) this.faults.wake();
    return this.gone === undefined && this.#hold();
  }

  /** Keeps the process alive while something is submitted. Whether a thread has something of it. */
  #hold(): boolean {
    const isPending = this.#admin.flying || this.queues.some(({ depth }) => depth > 0);
    if (isPending !== this.#held) this.#engine.hold(isPending);
    this.#held = isPending;
    return this.#admin.flying || this.#lanes.some(({ flying }) => flying);
  }

  async #closeMmu(mmu: NativeMmu): Promise<void> {
    if (!this.#mmus.delete(mmu.id) || this.gone !== undefined) return;
    this.faults.purge(mmu.id);
    this.shared.store(this.shared.layout.mmu(mmu.place), MMU.closed, 1);
    this.shared.ring();
    this.kick();
    await Promise.all(this.#lanes.map((lane) => lane.settled()));
    const closed = this.#admin.close(mmu.place);
    this.kick();
    await closed;
    this.#places[mmu.place] = undefined;
  }

  #end(error: MirrorError, reason: DeviceLostInfo['reason'], message: string): Promise<void> {
    if (this.#closed !== undefined) return this.#closed;
    this.gone = error;
    const { words, layout } = this.shared;
    Atomics.store(words, HEAD.closed, 1);
    this.shared.ring();
    for (let slot = 0; slot < layout.slots; slot++) {
      // Whoever is about to sleep finds another state than the one to sleep in.
      this.shared.store(layout.slot(slot), SLOT.state, STATE.none);
      this.shared.wake(layout.slot(slot), SLOT.state);
    }
    this.#closed = Promise.all([this.#engine.leave(), this.#units.leave()]).then(this.#release);
    for (const lane of this.#lanes) lane.drop();
    this.#admin.drop();
    for (const mmu of this.#places) if (mmu !== undefined) this.faults.purge(mmu.id);
    this.faults.close();
    for (const queue of this.queues) while (queue.depth > 0) queue.settle(error);
    this.#resolveLost({ reason, message });
    return this.#closed;
  }

  #error(code: 'CLOSED' | 'DEVICE_LOST' | 'UNSUPPORTED' | 'OUT_OF_DEVICE_MEMORY', what: string): MirrorError {
    return new MirrorError(code, `${this.name} ${what}.`, { device: this.name });
  }
}
