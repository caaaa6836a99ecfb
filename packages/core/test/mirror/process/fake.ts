import { managedMemory } from '../../../src/index.js';
import type { HostMemory, LiveRange } from '../../../src/index.js';
import type { IdList } from '../../../src/address/index.js';
import {
  CommandLoop,
  checkMmuOptions,
  type Command,
  type Device,
  type DeviceFeature,
  type DeviceLimits,
  type DeviceLostInfo,
  type DeviceMmu,
  FaultRing,
  MirrorError,
  type MmuOptions,
  MmuTable,
  SNAPSHOT_LOCAL,
  SNAPSHOT_READ,
  SNAPSHOT_WRITE,
} from '../../../src/vendor.js';

export const PAGE = 4096;
/** Frames of live ranges have numbers from here on, and places from the other. */
const FIRST_LIVE = 1 << 16;
const FIRST_PLACE = 2 ** 30;
/** Where live ranges begin in the process that is played here. */
const BASE = 2 ** 40;

/** A process: live memory at its addresses, and which device has which of its pages. */
export class FakeProcess {
  readonly bytes = new Uint8Array(1 << 20);
  /** By page number of the process. */
  readonly owners = new Map<number, FakeDevice>();
  /** Pages that are mapped no more. */
  readonly gone = new Set<number>();
  private next = 0;

  /** Host memory whose live ranges are the process's own. */
  memory(): HostMemory {
    const held = managedMemory();
    return {
      kind: 'native',
      pageSize: PAGE,
      limit: Infinity,
      tracker: held.tracker,
      get used() {
        return held.used;
      },
      metadataBytes: 0,
      allocate: (count) => held.allocate(count),
      free: (frame) => (frame >= FIRST_LIVE ? undefined : held.free(frame)),
      zero: (frame) => (frame >= FIRST_LIVE ? undefined : held.zero(frame)),
      commit: (first, count) => (first >= FIRST_LIVE ? undefined : held.commit(first, count)),
      view: (first, count) =>
        first >= FIRST_LIVE
          ? this.bytes.subarray((first - FIRST_LIVE) * PAGE, (first - FIRST_LIVE + count) * PAGE)
          : held.view(first, count),
      bufferOf: (frame) => (frame >= FIRST_LIVE ? this.bytes : held.bufferOf(frame)),
      offsetOf: (frame) => (frame >= FIRST_LIVE ? (frame - FIRST_LIVE) * PAGE : held.offsetOf(frame)),
      live: {
        stops: false,
        mirrored: true,
        onFault: undefined,
        open: (count) => this.open(count),
        take: (place) => place - FIRST_PLACE + FIRST_LIVE,
        free: () => undefined,
        withhold: () => undefined,
        restore: () => undefined,
        collect: (_first: number, _count: number, _out: IdList) => 0,
      },
    };
  }

  /** The CPU touches a page: it comes home. */
  touch(address: number): void {
    this.owners.delete(address / PAGE);
  }

  private open(count: number): LiveRange {
    const first = this.next;
    this.next += count;
    const buffer = (offset: number, bytes: number) => this.bytes.buffer.slice(first * PAGE + offset, bytes);
    const close = () => {
      for (let page = BASE / PAGE + first; page < BASE / PAGE + first + count; page++) {
        this.owners.delete(page);
        this.gone.add(page);
      }
    };
    return { first: FIRST_PLACE + first, count, address: BASE + first * PAGE, buffer, close };
  }

  at(address: number): number {
    return address - BASE;
  }
}

/** A device that mirrors a {@link FakeProcess}: what it is told it does at once. */
export class FakeDevice implements Device {
  readonly info;
  readonly limits: DeviceLimits;
  readonly features: ReadonlySet<DeviceFeature>;
  readonly faults = new FaultRing(1);
  readonly queues;
  readonly lost: Promise<DeviceLostInfo>;
  /** Kinds of the commands that it ran. */
  readonly ran: string[] = [];
  /** What it was told of ranges, by the first page. */
  readonly advised: string[] = [];
  /** Pages that snapshots were made of. */
  looked = 0;
  /** Whether accesses wait: until {@link go}. */
  waits = false;
  /** Pages that will not move, whoever asks. */
  readonly stuck = new Set<number>();
  private tellLost!: (info: DeviceLostInfo) => void;
  private readonly mmus: MmuTable<DeviceMmu>;
  private readonly loop: CommandLoop;
  private time = 0;

  constructor(
    readonly process: FakeProcess,
    frames: number,
    name = 'fake:0',
    private readonly kind: DeviceMmu['kind'] = 'mirroring',
    features: readonly DeviceFeature[] = ['snapshots'],
  ) {
    this.features = new Set(features);
    this.info = { name, backend: 'fake', description: 'a device that mirrors a process' };
    this.limits = {
      pageSizes: [PAGE],
      memory: frames * PAGE,
      addressBits: 47,
      faultBuffer: 1,
      pagesPerCommand: 4096,
      commandsPerSubmit: 64,
      residentUnits: 1,
      preemptionUs: 0,
    };
    this.lost = new Promise((resolve) => (this.tellLost = resolve));
    this.mmus = new MmuTable(name);
    this.loop = new CommandLoop(this, this.mmus, (command, queue) => {
      if (this.waits && !queue.paging) return 'stalled';
      return this.execute(command);
    });
    this.queues = this.loop.queues;
  }

  now(): number {
    return this.time++;
  }

  async createMmu(options: MmuOptions): Promise<DeviceMmu> {
    const { addressBits, faultPageSize } = checkMmuOptions(options, this);
    const { kind } = this;
    const snapshot = (start: number, flags: Uint8Array) => this.look(start, flags);
    const close = async (id: number) => void this.mmus.delete(id);
    return this.mmus.open((id) => ({
      id,
      kind,
      addressBits,
      faultPageSize,
      close: () => close(id),
      ...(kind === 'mirroring' && this.features.has('snapshots') && { snapshot }),
    }));
  }

  /** Accesses that wait. */
  get stalled(): number {
    return this.faults.stalled;
  }

  /** Lets accesses go on. */
  go(): void {
    this.waits = false;
    for (const queue of this.loop.queues) this.loop.resume(queue);
  }

  fail(): void {
    for (const [page, owner] of this.process.owners) if (owner === this) this.process.owners.delete(page);
    this.loop.stop(new MirrorError('DEVICE_LOST', 'it failed'));
    this.tellLost({ reason: 'failed', message: 'it failed' });
  }

  async close(): Promise<void> {
    this.loop.stop(new MirrorError('CLOSED', 'it was closed'));
    this.tellLost({ reason: 'closed', message: 'it was closed' });
  }

  private look(start: number, flags: Uint8Array): void {
    for (let i = 0; i < flags.length; i++) {
      const here = this.process.owners.get(start / PAGE + i) === this;
      flags[i] = SNAPSHOT_READ | SNAPSHOT_WRITE | (here ? SNAPSHOT_LOCAL : 0);
    }
  }

  private execute(command: Command): void {
    const { owners, bytes } = this.process;
    this.ran.push(command.kind);
    if (command.kind === 'snapshot' || command.kind === 'migrate')
      for (let page = command.start / PAGE; page < command.end / PAGE; page++)
        if (this.process.gone.has(page)) throw new MirrorError('ADDRESS_NOT_MAPPED', 'nothing is there');
    if (command.kind === 'snapshot') {
      this.looked += command.flags.length;
      this.look(command.start, command.flags);
    }
    if (command.kind === 'advise') {
      const { start, end, preferred, readMostly, accessedBy } = command;
      const pages = [start, end].map((address) => (address - BASE) / PAGE).join('-');
      this.advised.push(`${pages} ${preferred}${readMostly ? ' read-mostly' : ''}${accessedBy ? ' accessed' : ''}`);
    }
    if (command.kind === 'read') {
      const at = this.process.at(command.address);
      command.into.set(bytes.subarray(at, at + command.into.length));
    }
    if (command.kind === 'write') bytes.set(command.from, this.process.at(command.address));
    if (command.kind === 'exclusive') command.taken[0] = (command.end - command.start) / PAGE;
    if (command.kind !== 'migrate') return;
    command.moved[0] = 0;
    for (let page = command.start / PAGE; page < command.end / PAGE; page++) {
      const owner = owners.get(page);
      if (this.stuck.has(page) || (command.to === 'device' ? owner !== undefined : owner !== this)) continue;
      command.moved[0]++;
      if (command.to === 'device') owners.set(page, this);
      else owners.delete(page);
    }
  }
}
