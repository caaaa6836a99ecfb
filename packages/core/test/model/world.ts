import {
  type AddressSpace,
  type AttachOptions,
  type ByteSource,
  type Command,
  type CommandQueue,
  createSpace,
  type Device,
  type EvictionName,
  type FlushName,
  type HostMemory,
  managedMemory,
  memorySwap,
  type Mirror,
  MirrorError,
  type PreemptionName,
  type PlacementName,
  type PolicySetName,
  type PrefetchName,
  type QueuePolicyName,
  type SwapStore,
  type ThrashingName,
  validate,
} from '@mirrorspace/core';
import { memory, SimClock, TYPICAL_LATENCY } from '@mirrorspace/memory';
import { PlainObject, PlainSpace } from './plain.js';
import { restless } from './restless.js';

/** What a run happens on. Small everywhere, so that everything overflows. */
export interface WorldConfig {
  readonly pageSize: 4096 | 65_536;
  /** Frames of each device. */
  readonly frames: readonly number[];
  readonly faultBuffer: number;
  readonly batch: number;
  readonly residentUnits: number;
  readonly tlbEntries: number;
  readonly pagesPerCommand: number;
  readonly commandsPerSubmit: number;
  readonly eviction: EvictionName;
  /** Evictions between two harvests of all that is resident, as a share of the frames; 0: none. */
  readonly aging: number;
  readonly prefetch: PrefetchName;
  /** Frames looked at for each one given up. */
  readonly sampling: number;
  readonly placement: PlacementName;
  readonly flush: FlushName;
  readonly thrashing: ThrashingName;
  /** A set in place of the policies above. */
  readonly policies: PolicySetName | undefined;
  readonly updateQueue: QueuePolicyName;
  readonly preemption: PreemptionName;
  readonly pagingQueues: number;
  /** Simulated time passes, by this seed; `undefined`: everything happens at once. */
  readonly latencySeed: number | undefined;
  readonly dirtyBits: boolean;
  readonly deep: boolean;
  /** Reads and writes of files take a turn. */
  readonly slowFiles: boolean;
  /** Pages of host memory that reclaim keeps to. */
  readonly budget: number | undefined;
  /** Room of the swap store. */
  readonly swapPages: number;
  /** How pages in use by devices are ordered. */
  readonly lists: 'device' | 'global';
}

/** A space, its model, and its mirrors by device. */
export interface Member {
  readonly space: AddressSpace;
  readonly plain: PlainSpace;
  readonly mirrors: (Mirror | undefined)[];
}

/** First address of the pages that the operations fight for. */
export const ARENA = 0x200_0000;
const TIMEOUT_MS = 8000;

/** The real things, and the plain model beside each. */
export class World {
  readonly config: WorldConfig;
  readonly host: HostMemory;
  readonly devices: Device[] = [];
  readonly members: Member[] = [];
  readonly objects: PlainObject[] = [];
  readonly sources: ByteSource[] = [];
  /** The first breach of the contract of devices. */
  violation: MirrorError | undefined;
  /** Rejects with the first breach: whoever waits for a device then would wait in vain. */
  readonly broken: Promise<never>;
  private reject!: (violation: MirrorError) => void;
  private readonly clock: SimClock;
  /** The devices themselves, without what watches them. */
  private readonly bare: Device[] = [];
  private readonly files: Uint8Array[] = [];
  /** How long each file is at the moment. */
  private readonly lengths: number[] = [];

  private constructor(config: WorldConfig, clock: SimClock) {
    this.config = config;
    this.clock = clock;
    const { pageSize } = config;
    this.host = restless(managedMemory({ pageSize }));
    this.broken = new Promise((_resolve, reject) => (this.reject = reject));
    this.broken.catch(() => undefined);
    this.addFile(3 * pageSize, true);
    this.addFile(2 * pageSize + 1000, true);
    this.addFile(2 * pageSize, false);
  }

  /** A world of one space with one mirror. `turn` is awaited before anything happens on a device where time passes. */
  static async open(config: WorldConfig, turn?: () => Promise<void>): Promise<World> {
    const world = new World(config, new SimClock(turn === undefined ? {} : { yield: turn }));
    for (let device = 0; device < config.frames.length; device++) await world.openDevice(device);
    const { pageSize, budget, swapPages, lists } = config;
    const swap = world.swap(swapPages * pageSize);
    const space = await createSpace({
      host: world.host,
      reclaim: { swap, lists, ...(budget !== undefined && { budget: budget * pageSize }) },
    });
    const member = { space, plain: new PlainSpace(config.pageSize), mirrors: [] };
    world.members.push(member);
    await world.attach(member, 0);
    return world;
  }

  /** Loses a device, at once. */
  lose(device: number): void {
    memory.conformance.lose(this.bare[device]!);
  }

  /** Opens another device in the place of one that was lost. */
  async replace(device: number): Promise<void> {
    await this.devices[device]!.close();
    await this.openDevice(device);
  }

  private async openDevice(number: number): Promise<void> {
    const { config, clock } = this;
    const device = await memory.open({
      name: `device ${number}`,
      memory: config.frames[number]! * config.pageSize,
      pageSizes: [config.pageSize],
      faultBuffer: config.faultBuffer,
      residentUnits: config.residentUnits,
      tlbEntries: config.tlbEntries,
      pagesPerCommand: config.pagesPerCommand,
      commandsPerSubmit: config.commandsPerSubmit,
      pagingQueues: config.pagingQueues,
      features: FEATURES.filter((feature) => config.dirtyBits || feature !== 'dirty-bits'),
      poison: true,
      clock,
      ...(config.latencySeed !== undefined && { latency: TYPICAL_LATENCY, seed: config.latencySeed }),
    });
    this.bare[number] = device;
    const onViolation = (violation: MirrorError) => this.break(violation);
    this.devices[number] = watched(validate(device, { deep: config.deep, onViolation }), onViolation);
  }

  async attach(member: Member, device: number): Promise<void> {
    const { eviction, aging, sampling, prefetch, placement, flush, thrashing, policies } = this.config;
    const { updateQueue, preemption, batch } = this.config;
    const single = { eviction, aging, sampling, prefetch, placement, flush, thrashing };
    const options: AttachOptions = {
      ...(policies === undefined ? single : { policies }),
      ...{ updateQueue, preemption, batch, timeoutMs: TIMEOUT_MS },
    };
    member.mirrors[device] = await member.space.attach(this.devices[device]!, options);
  }

  /** Pages that advice keeps on a device. */
  pinned(device: number): number {
    let pages = 0;
    for (const { plain } of this.members)
      for (const { start, end, pin } of plain.regions) if (pin === device) pages += (end - start) / plain.pageSize;
    return pages;
  }

  /** Files that no region maps have got what was written; what was behind their end is gone. */
  settleFiles(): void {
    for (const [file, object] of this.objects.entries()) {
      const mapped = this.members.some(({ plain }) => plain.regions.some((region) => region.object === object));
      if (mapped) continue;
      object.forgetTail();
      this.checkFile(file, 0, object.size);
    }
  }

  /** A part of a file must be what the model says. */
  checkFile(file: number, from: number, to: number): void {
    const at = differsAt(this.files[file]!.subarray(from, to), this.objects[file]!.contents().subarray(from, to));
    if (at >= 0) throw new Error(`file ${file} differs from the model at byte ${from + at}`);
  }

  /** What a file has at the moment. */
  fileBytes(file: number): Uint8Array {
    return this.files[file]!;
  }

  /** A swap store as slow as the files. */
  private swap(bytes: number): SwapStore {
    const store = memorySwap(bytes);
    if (!this.config.slowFiles) return store;
    return {
      size: bytes,
      read: async (offset, into) => {
        await Promise.resolve();
        await store.read(offset, into);
      },
      write: async (offset, from) => {
        await Promise.resolve();
        await store.write(offset, from);
      },
    };
  }

  private break(violation: MirrorError): void {
    this.violation ??= violation;
    this.reject(violation);
  }

  /** Makes files that were truncated as long as they were, where a private copy that the model knows nothing of could not tell. */
  async grow({ space }: Member): Promise<void> {
    for (const [file, object] of this.objects.entries()) {
      if (object.size === object.capacity || (object.size % object.pageSize > 0 && this.isPrivate(object))) continue;
      await space.truncate(this.sources[file]!, object.capacity);
      object.truncate(object.capacity);
    }
  }

  /** Whether a region has private copies of a file. */
  isPrivate(object: PlainObject): boolean {
    return this.members.some(({ plain }) => plain.regions.some((region) => region.object === object && !region.shared));
  }

  /** Makes a file that regions can map; returns its number. */
  addFile(size: number, writable: boolean): number {
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i += 64) bytes[i] = (this.files.length + 1) * 16 + i / this.config.pageSize;
    const pause = () => (this.config.slowFiles ? Promise.resolve() : undefined);
    const read: ByteSource['read'] = (offset, into) => {
      into.set(bytes.subarray(offset, offset + into.length));
      return pause();
    };
    const { lengths } = this;
    const file = lengths.push(size) - 1;
    const write: ByteSource['write'] = (offset, from) => {
      if (offset + from.length > lengths[file]!) throw new Error('written beyond the end of the file');
      bytes.set(from, offset);
      return pause();
    };
    const truncate: ByteSource['truncate'] = async (to) => {
      await pause();
      lengths[file] = to;
      bytes.fill(0, to);
    };
    const source = {
      get size() {
        return lengths[file]!;
      },
      read,
      truncate,
    };
    this.sources.push(writable ? Object.assign(source, { write }) : source);
    this.objects.push(new PlainObject(this.config.pageSize, this.files.length, bytes));
    return this.files.push(bytes) - 1;
  }
}

const FEATURES = [
  'queues',
  'priorities',
  'preemption',
  'accessed-bits',
  'dirty-bits',
  'replayable-faults',
  'atomics',
  'read-only-maps',
  'program:js',
] as const;

/** The device, but breaches by core, which are thrown where core submits, are told of, too. */
function watched(device: Device, onViolation: (violation: MirrorError) => void): Device {
  let submissions = 0;
  const queues = device.queues.map((queue) => {
    const submit: CommandQueue['submit'] = (commands, options) => {
      try {
        if (++submissions > MOST_SUBMISSIONS) throw livelock(commands);
        return queue.submit(commands, options);
      } catch (error) {
        if (error instanceof MirrorError) onViolation(error);
        throw error;
      }
    };
    return new Proxy(queue, {
      get: (target, name) => (name === 'submit' ? submit : (Reflect.get(target, name, target) as unknown)),
    });
  });
  return new Proxy(device, {
    get(target, name) {
      if (name === 'queues') return queues;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** More than any run needs: rounds that go nowhere end as an error, not as a test that never ends. */
const MOST_SUBMISSIONS = 20_000;

function livelock(commands: readonly Command[]): MirrorError {
  const kinds = commands.map((command) => command.kind).join();
  return new MirrorError('CONTRACT_VIOLATION', `${MOST_SUBMISSIONS} submissions and no end; the last: ${kinds}`);
}

/** Where two byte arrays differ first; -1 where they do not. */
export function differsAt(a: Uint8Array, b: Uint8Array): number {
  if (Buffer.compare(a, b) === 0) return -1;
  for (let i = 0; i < Math.max(a.length, b.length); i++) if (a[i] !== b[i]) return i;
  return -1;
}

/** How a call ended: its value, or the code of its error (the name of a TypeError or RangeError). */
export type Outcome<T> = { readonly value: T } | { readonly code: string };

/** Runs a call to its end. Errors of any other kind are not expected and come through. */
export async function outcomeOf<T>(call: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await call() };
  } catch (error) {
    if (error instanceof MirrorError && error.code !== 'CONTRACT_VIOLATION') return { code: error.code };
    if (error instanceof RangeError) return { code: 'RangeError' };
    throw error;
  }
}
