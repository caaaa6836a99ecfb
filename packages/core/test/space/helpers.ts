import {
  type AddressSpace,
  type AttachOptions,
  type ByteSource,
  createSpace,
  type Mirror,
  MirrorError,
  type SpaceOptions,
  validate,
  type ValidatedDevice,
} from '@mirrorspace/core';
import { memory, type MemoryOptions } from '@mirrorspace/memory';
import { expect } from 'vitest';

export const PAGE = 4096;

/** A space with one validated reference device. Disposing closes both and demands that nobody broke the contract. */
export interface Rig extends AsyncDisposable {
  readonly space: AddressSpace;
  readonly device: ValidatedDevice;
  readonly mirror: Mirror;
}

export interface RigOptions {
  /** Frames of device memory, in pages of the space. Default 64. */
  readonly frames?: number;
  readonly device?: MemoryOptions;
  readonly attach?: AttachOptions;
  readonly space?: SpaceOptions;
}

/** Opens a validated device of `frames` frames of 4096 bytes. */
export async function openDevice(frames: number, options: MemoryOptions = {}): Promise<ValidatedDevice> {
  return validate(await memory.open({ memory: frames * PAGE, pageSizes: [PAGE], ...options }));
}

export async function createRig(options: RigOptions = {}): Promise<Rig> {
  const device = await openDevice(options.frames ?? 64, options.device);
  const space = await createSpace(options.space);
  const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none', ...options.attach });
  return {
    space,
    device,
    mirror,
    async [Symbol.asyncDispose]() {
      await space.close();
      await device.close();
      expect(device.violations).toEqual([]);
    },
  };
}

/** `bytes` bytes that differ from place to place and from seed to seed, and are never 0. */
export function pattern(bytes: number, seed = 1): Uint8Array {
  const result = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) result[i] = 1 + ((i * 7 + (i >> 8) * 13 + seed * 31) % 255);
  return result;
}

/** Demands equal bytes; says where they differ first, since a difference of whole pages is slow to print. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length).toBe(expected.length);
  const at = actual.findIndex((byte, i) => byte !== expected[i]);
  expect(at < 0 ? 'equal' : `byte ${at} is ${actual[at]}, not ${expected[at]}`).toBe('equal');
}

/** Demands that a call fails with a MirrorError of this code: thrown or rejected. Resolves to the error. */
export async function expectCode(work: Promise<unknown> | (() => unknown), code: string): Promise<MirrorError> {
  let failure: unknown = 'no error';
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    failure = error;
  }
  expect(failure).toBeInstanceOf(MirrorError);
  const error = failure as MirrorError;
  expect(`${error.code}: ${error.message}`).toMatch(new RegExp(`^${code}: `));
  return error;
}

/** A source over bytes that counts its reads and writes, and can be made to fail or to wait. */
export class TestSource implements ByteSource {
  readonly size: number;
  readonly bytes: Uint8Array;
  readonly reads: [offset: number, bytes: number][] = [];
  readonly writes: [offset: number, bytes: number][] = [];
  readError: Error | undefined;
  writeError: Error | undefined;
  /** Awaited before each read. */
  gate: Promise<void> | undefined;
  /** Awaited before each write. */
  writeGate: Promise<void> | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.size = bytes.length;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    this.reads.push([offset, into.length]);
    await this.gate;
    if (this.readError !== undefined) throw this.readError;
    into.set(this.bytes.subarray(offset, offset + into.length));
  }

  async write(offset: number, from: Uint8Array): Promise<void> {
    const late = Uint8Array.from(from);
    await this.writeGate;
    if (this.writeError !== undefined) throw this.writeError;
    this.writes.push([offset, from.length]);
    this.bytes.set(late, offset);
  }
}

/** A promise and the function that resolves it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

/** Lets everything run that can run now, timers of 0 ms included. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** The regions of a space as `[first page, end page, name]`, in pages from `base`. */
export function layout(space: AddressSpace, base = 0): [number, number, string][] {
  return space
    .regions()
    .map((region) => [(region.start - base) / PAGE, (region.end - base) / PAGE, region.name] as const)
    .map(([start, end, name]) => [start, end, name]);
}
