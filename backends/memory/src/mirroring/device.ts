import {
  accessBytes,
  checkMmuOptions,
  type Command,
  CommandLoop,
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
  type PlainAccess,
  type PreferredLocation,
  type RangeCommand,
  SNAPSHOT_LOCAL,
  SNAPSHOT_READ,
  SNAPSHOT_REMOTE,
  SNAPSHOT_WRITE,
} from '@mirrorspace/core/driver';
import { PROCESS_PAGE, type SimulatedProcess } from './process.js';

/** What a device is made from. */
export interface MirroringSetup {
  readonly name: string;
  /** Bytes. */
  readonly memory: number;
  readonly features: ReadonlySet<DeviceFeature>;
  /** Gives the name back. */
  readonly release: () => void;
}

/** A device that mirrors a process: it serves its faults itself, and does at once what it is told. */
export class MirroringDevice implements Device {
  readonly info: DeviceInfo;
  readonly limits: DeviceLimits;
  readonly features: ReadonlySet<DeviceFeature>;
  readonly faults = new FaultRing(1);
  readonly queues: Device['queues'];
  readonly lost: Promise<DeviceLostInfo>;
  readonly #process: SimulatedProcess;
  readonly #release: () => void;
  readonly #mmus: MmuTable<DeviceMmu>;
  readonly #loop: CommandLoop;
  /** What pages were advised, by the memory that they are of: it goes with that. */
  readonly #advised = new WeakMap<ArrayBufferLike, Map<number, PreferredLocation>>();
  readonly #begun = performance.now();
  #tellLost!: (info: DeviceLostInfo) => void;

  constructor(process: SimulatedProcess, { name, memory, features, release }: MirroringSetup) {
    this.#process = process;
    this.#release = release;
    this.features = features;
    this.info = {
      name,
      backend: 'mirroring',
      description: `a device that mirrors a simulated process, ${memory} bytes`,
    };
    this.limits = {
      pageSizes: [PROCESS_PAGE],
      memory,
      addressBits: 47,
      faultBuffer: 1,
      pagesPerCommand: 65_536,
      commandsPerSubmit: 1024,
      residentUnits: 1,
      preemptionUs: 0,
    };
    this.lost = new Promise((resolve) => (this.#tellLost = resolve));
    this.#mmus = new MmuTable(name);
    this.#loop = new CommandLoop(this, this.#mmus, (command) => this.#execute(command));
    this.queues = this.#loop.queues;
  }

  now(): number {
    return (performance.now() - this.#begun) * 1000;
  }

  async createMmu(options: MmuOptions): Promise<DeviceMmu> {
    const { addressBits, faultPageSize } = checkMmuOptions(options, this);
    if (this.#loop.gone !== undefined) throw this.#loop.gone;
    const look = (start: number, flags: Uint8Array): void => this.#look(start, flags);
    return this.#mmus.open((id) => ({
      id,
      kind: 'mirroring',
      addressBits,
      faultPageSize,
      close: async () => void this.#mmus.delete(id),
      ...(this.features.has('snapshots') && { snapshot: look }),
    }));
  }

  async close(): Promise<void> {
    this.#end('closed', `${this.info.name} was closed.`);
  }

  /** Fails as by a reset: what it had is home. */
  lose(message: string): void {
    this.#end('failed', `${this.info.name} is lost: ${message}`);
  }

  #end(reason: DeviceLostInfo['reason'], message: string): void {
    if (this.#loop.gone !== undefined) return;
    const code = reason === 'closed' ? 'CLOSED' : 'DEVICE_LOST';
    this.#loop.stop(new MirrorError(code, message, { device: this.info.name }));
    this.#process.release(this);
    this.#release();
    this.#tellLost({ reason, message });
  }

  #execute(command: Command): void {
    switch (command.kind) {
      case 'read':
      case 'write':
      case 'fill':
        return this.#access(command);
      case 'prefetch':
        return void this.#pages(command);
      case 'migrate':
        command.moved[0] =
          command.to === 'device' ? this.#take(this.#pages(command)) : this.#giveBack(this.#pages(command));
        return;
      case 'snapshot':
        return this.#look(command.start, command.flags.subarray(0, this.#pages(command).length));
      case 'exclusive':
        command.taken[0] = this.#pages(command).filter((page) => this.#reaches(page)).length;
        return;
      case 'advise':
        for (const page of this.#pages(command)) this.#adviceOn(page).set(page, command.preferred);
        return;
      default:
        throw new MirrorError('UNSUPPORTED', `${this.info.name} has no ${command.kind}`, { device: this.info.name });
    }
  }

  #access(command: Exclude<PlainAccess, { kind: 'atomicAdd' }>): void {
    const { address } = command;
    const bytes = accessBytes(command);
    const parts = this.#process.parts(this.info.name, address, bytes);
    this.#touch(address, bytes);
    let done = 0;
    for (const part of parts) {
      if (command.kind === 'read') command.into.set(part, done);
      else if (command.kind === 'fill') part.fill(command.value);
      else part.set(command.from.subarray(done, done + part.length));
      done += part.length;
    }
  }

  /** An access brings pages that should live here. */
  #touch(address: number, bytes: number): void {
    if (bytes === 0) return;
    const [start, end] = [Math.floor(address / PROCESS_PAGE), Math.ceil((address + bytes) / PROCESS_PAGE)];
    const pages = this.#pages({ start: start * PROCESS_PAGE, end: end * PROCESS_PAGE });
    this.#take(pages.filter((page) => this.#adviceOn(page).get(page) === 'device'));
  }

  /** The advice on the memory that a page is of. */
  #adviceOn(page: number): Map<number, PreferredLocation> {
    const { buffer } = this.#process.parts(this.info.name, page * PROCESS_PAGE, PROCESS_PAGE)[0]!;
    let advice = this.#advised.get(buffer);
    if (advice === undefined) this.#advised.set(buffer, (advice = new Map<number, PreferredLocation>()));
    return advice;
  }

  /** Takes pages from the host, as far as there is room. */
  #take(pages: readonly number[]): number {
    let room = this.limits.memory / PROCESS_PAGE - this.#process.countOf(this);
    let moved = 0;
    for (const page of pages) {
      if (room === 0 || this.#process.ownerOf(page) !== undefined) continue;
      this.#process.give(page, this);
      room--;
      moved++;
    }
    return moved;
  }

  #giveBack(pages: readonly number[]): number {
    const mine = pages.filter((page) => this.#process.ownerOf(page) === this);
    for (const page of mine) this.#process.give(page, undefined);
    return mine.length;
  }

  #look(start: number, flags: Uint8Array): void {
    this.#process.parts(this.info.name, start, flags.length * PROCESS_PAGE);
    for (let i = 0; i < flags.length; i++) {
      const owner = this.#process.ownerOf(start / PROCESS_PAGE + i);
      const where = owner === undefined ? 0 : owner === this ? SNAPSHOT_LOCAL : SNAPSHOT_REMOTE;
      flags[i] = SNAPSHOT_READ | SNAPSHOT_WRITE | where;
    }
  }

  /** Whether a page is here or on the host. */
  #reaches(page: number): boolean {
    const owner = this.#process.ownerOf(page);
    return owner === undefined || owner === this;
  }

  /** The pages of a range, all of it mapped. @throws MirrorError `ADDRESS_NOT_MAPPED` */
  #pages({ start, end }: Pick<RangeCommand, 'start' | 'end'>): number[] {
    this.#process.parts(this.info.name, start, end - start);
    return Array.from({ length: (end - start) / PROCESS_PAGE }, (_, i) => start / PROCESS_PAGE + i);
  }
}
