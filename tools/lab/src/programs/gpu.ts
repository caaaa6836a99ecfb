import {
  type AddressSpace,
  createSpace,
  type Device,
  type Mirror,
  type PageRecording,
  type UnitContext,
} from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';

/** Bytes a page. */
const PAGE = 4096;
const MEMORY = 128 * 2 ** 20;
/** Blocks that make their accesses in turn: some hundred on a GPU whose memory is a hundred times that of these programs. */
const RESIDENT = 64;
/** Where arrays go: at a multiple of 2 MiB each, as large allocations do. */
const ALIGNMENT = 2 ** 21;
const BASE = 2 ** 30;

/** Arrays that programs work with. */
export type Data = Float32Array | Float64Array | Uint32Array | Int32Array | Uint8Array;

/** An array in the space that CPU and device share. */
export interface Shared<T extends Data = Data> {
  /** Of its first element. */
  readonly address: number;
  readonly bytes: number;
  /** Makes a view for the CPU. */
  readonly view: (bytes: ArrayBuffer) => T;
}

/** What one block of a launch does. */
export type Kernel = (ctx: UnitContext, block: number) => void;

/** A program to be recorded. */
export interface Recordable {
  readonly name: string;
  /** What it computes, and after whose. */
  readonly about: string;
  /**
   * Works through the device; resolves to what compares the result with that of a plain version on the CPU.
   * @throws Error, from that, where they differ
   */
  run(gpu: Gpu): Promise<() => Promise<void>>;
}

/** The reference device and a space, for one program. From its first launch on it is recorded; before, all arrays are brought to the device. */
export class Gpu {
  private readonly space: AddressSpace;
  private readonly device: Device;
  private readonly mirror: Mirror;
  private readonly onChunk: (bytes: Uint8Array) => void;
  private readonly arrays: { address: number; bytes: number; access: 'read' | 'write' }[] = [];
  private next = BASE;
  private recording: PageRecording | undefined;

  private constructor(space: AddressSpace, device: Device, mirror: Mirror, onChunk: (bytes: Uint8Array) => void) {
    this.space = space;
    this.device = device;
    this.mirror = mirror;
    this.onChunk = onChunk;
  }

  /** Opens a device. `onChunk` gets the records. */
  static async open(onChunk: (bytes: Uint8Array) => void): Promise<Gpu> {
    const device = await memory.open({ memory: MEMORY, pageSizes: [PAGE], residentUnits: 1024, poison: false });
    const space = await createSpace({ pageSize: PAGE });
    return new Gpu(space, device, await space.attach(device, { eviction: 'lru', prefetch: 'tree' }), onChunk);
  }

  /** An array with the CPU's data, which kernels only read. */
  async input<T extends Data>(data: T): Promise<Shared<T>> {
    return this.put(data, 'read');
  }

  /** An array with the CPU's data, which kernels write, too. */
  async inout<T extends Data>(data: T): Promise<Shared<T>> {
    return this.put(data, 'write');
  }

  /** Runs blocks 0 … `blocks - 1`. */
  async launch(blocks: number, kernel: Kernel): Promise<void> {
    if (this.recording === undefined) await this.begin();
    await this.mirror.launch({ language: 'js', run: (ctx, { x }) => kernel(ctx, x) }, { grid: [blocks] }).wait();
  }

  /** The CPU reads an array. */
  async read<T extends Data>({ address, bytes, view }: Shared<T>): Promise<T> {
    const copy = (await this.space.read(address, bytes)).slice();
    return view(copy.buffer);
  }

  /** The CPU writes an array, from its first element on. */
  async write<T extends Data>({ address }: Shared<T>, data: T): Promise<void> {
    await this.space.write(address, bytesOf(data));
  }

  /** Ends the recording; what comes now is not in it. */
  stop(): PageRecording {
    if (this.recording === undefined) throw new Error('nothing was launched');
    this.recording.stop();
    return this.recording;
  }

  /** Ends everything. */
  async close(): Promise<void> {
    await this.space.close();
    await this.device.close();
  }

  private async put<T extends Data>(data: T, access: 'read' | 'write'): Promise<Shared<T>> {
    const bytes = data.byteLength;
    const { address } = this.space.map({ bytes: Math.ceil(bytes / PAGE) * PAGE, address: this.next, fixed: true });
    this.next = Math.ceil((address + bytes) / ALIGNMENT) * ALIGNMENT;
    await this.space.write(address, bytesOf(data));
    this.arrays.push({ address, bytes, access });
    const make = data.constructor as new (buffer: ArrayBuffer) => T;
    return { address, bytes, view: (buffer) => new make(buffer) };
  }

  /** Brings everything, so that no fault changes the order in which blocks end, and begins to record. */
  private async begin(): Promise<void> {
    for (const { address, bytes, access } of this.arrays) await this.mirror.prefetch(address, bytes, { access });
    this.recording = this.mirror.record({
      of: 'accesses',
      resident: RESIDENT,
      onChunk: this.onChunk,
      limit: 2 ** 32 - 1,
    });
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Data): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** @throws Error where two results differ */
export function compare(name: string, actual: Data, expected: Data): void {
  if (actual.length !== expected.length)
    throw new Error(`${name} has ${actual.length} elements, not ${expected.length}`);
  for (let i = 0; i < actual.length; i++) {
    const [a, b] = [actual[i]!, expected[i]!];
    if (a !== b) throw new Error(`${name}[${i}] is ${a}, not ${b}`);
  }
}
