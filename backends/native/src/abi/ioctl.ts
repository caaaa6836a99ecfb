import type { Descriptor, IoctlMemory, IoctlPointer, IoctlRequest } from '../addon/descriptor.js';
import { addon } from '../addon/load.js';
import type { Mapping } from '../addon/mapping.js';
import type { Fields, Struct, StructInput, StructValue } from './struct.js';
import type { CType } from './types.js';

/** One request of a driver: its number, and the struct that goes with it. */
export interface Ioctl<F extends Fields> {
  /** Its name, for messages. */
  readonly name: string;
  /** What the addon is told about it. */
  readonly declaration: IoctlRequest;
  /** The struct; a request without one has none. */
  readonly struct: Struct<F> | undefined;
}

/** Bits of `_IOC`: who reads and who writes the struct, seen from user space. */
const DIRECTION = { none: 0, write: 1, read: 2, both: 3 } as const;

/**
 * The number of a request, as `_IOC` of the kernel's generic headers makes it.
 *
 * @param group - The driver's letter or number, 0 to 255.
 * @param number - 0 to 255.
 * @param size - Bytes of the struct, below 16384.
 */
export function ioctlNumber(
  direction: keyof typeof DIRECTION,
  group: string | number,
  number: number,
  size: number,
): number {
  const letter = typeof group === 'string' ? group.charCodeAt(0) : group;
  for (const [what, value, limit] of [
    ['group', letter, 256] as const,
    ['number', number, 256] as const,
    ['size', size, 16384] as const,
  ]) {
    if (!Number.isInteger(value) || value < 0 || value >= limit) {
      throw new RangeError(`${what} must be an integer from 0 to ${limit - 1}, not ${String(value)}`);
    }
  }
  return ((DIRECTION[direction] << 30) | (size << 16) | (letter << 8) | number) >>> 0;
}

function isHandle({ pointer, descriptor }: CType<unknown, never>): boolean {
  return pointer !== undefined || descriptor !== undefined;
}

function declare<F extends Fields>(request: number, struct: Struct<F> | undefined): IoctlRequest {
  const pointers: IoctlPointer[] = [];
  const descriptors: number[] = [];
  let result: number | undefined;
  for (const [name, type] of Object.entries(struct?.fields ?? {}) as [string, CType<unknown>][]) {
    const at = struct!.offsets[name]!;
    if (type.descriptor === 'given') descriptors.push(at);
    if (type.descriptor === 'returned') {
      if (result !== undefined) throw new RangeError(`${name}: a request returns one descriptor at most`);
      result = at;
    }
    if (Object.values((type as Partial<Struct<Fields>>).fields ?? {}).some(isHandle))
      throw new RangeError(
        `${name}: pointers and descriptors belong in the request's own struct, not in one within it`,
      );
    if (!type.pointer) continue;
    const { unit, count } = type.pointer;
    if (count === undefined) pointers.push({ at, unit });
    else {
      const counter = struct!.fields[count] as CType<unknown> | undefined;
      if (counter?.size !== 4 && counter?.size !== 8)
        throw new RangeError(`${name}: ${count} is no field of 4 or 8 bytes`);
      pointers.push({ at, unit, countAt: struct!.offsets[count]!, countSize: counter.size });
    }
  }
  return { request, pointers, descriptors, ...(result !== undefined && { result }) };
}

function make<F extends Fields>(
  name: string,
  direction: keyof typeof DIRECTION,
  group: string | number,
  number: number,
  struct?: Struct<F>,
): Ioctl<F> {
  return { name, struct, declaration: declare(ioctlNumber(direction, group, number, struct?.size ?? 0), struct) };
}

/** `_IO(group, number)`: no struct, but perhaps a small integer. */
export const io = (name: string, group: string | number, number: number): Ioctl<Fields> =>
  make(name, 'none', group, number);
/** `_IOR(group, number, struct)`: the driver writes the struct. */
export const ior = <F extends Fields>(
  name: string,
  group: string | number,
  number: number,
  struct: Struct<F>,
): Ioctl<F> => make(name, 'read', group, number, struct);
/** `_IOW(group, number, struct)`: the driver reads the struct. */
export const iow = <F extends Fields>(
  name: string,
  group: string | number,
  number: number,
  struct: Struct<F>,
): Ioctl<F> => make(name, 'write', group, number, struct);
/** `_IOWR(group, number, struct)`: it does both. */
export const iowr = <F extends Fields>(
  name: string,
  group: string | number,
  number: number,
  struct: Struct<F>,
): Ioctl<F> => make(name, 'both', group, number, struct);

/** What a call returned. */
export interface IoctlResult<F extends Fields> {
  /** What the driver returned, not negative. */
  readonly result: number;
  /** The struct after the call. */
  readonly value: StructValue<F>;
  /** The descriptor that it made, where one of the struct's fields is one. */
  readonly descriptor: Descriptor | undefined;
}

/** Memory for a struct's pointers and descriptors for its descriptors, by the names of the fields. What is left out is a null pointer. */
export type IoctlPointees<Source extends Mapping | ArrayBufferView = Mapping | ArrayBufferView> = Readonly<
  Record<string, IoctlMemory<Source> | Descriptor>
>;

/** A device file and the requests that may be made of it. */
export class IoctlDevice {
  /** The open file. */
  readonly descriptor: Descriptor;

  /** @throws Error `{ errno, code, call }`; MirrorError `UNSUPPORTED` without the addon */
  constructor(path: string, ioctls: readonly Pick<Ioctl<Fields>, 'declaration'>[], flags?: number) {
    const requests = ioctls.map(({ declaration }) => declaration);
    this.descriptor = addon().Descriptor.open(path, flags, requests);
  }

  /**
   * Makes a request with a struct.
   *
   * @param value - Its fields; what is left out is zero.
   * @throws Error `{ errno, code, call }` with the request's name.
   */
  call<F extends Fields>(ioctl: Ioctl<F>, value: StructInput<F> = {}, pointees: IoctlPointees = {}): IoctlResult<F> {
    const struct = structOf(ioctl);
    const bytes = struct.encode(value);
    const { pointers, descriptors } = arrange(ioctl.name, struct, pointees);
    try {
      return resultOf(struct, bytes, this.descriptor.ioctl(ioctl.declaration.request, bytes, pointers, descriptors));
    } catch (error) {
      throw named(ioctl.name, error);
    }
  }

  /**
   * As {@link call}, off the event loop: for requests that block. What pointers point to are Mappings.
   *
   * @throws (as rejection) as `call`; Error `BUSY` for more than 256 waits at once.
   */
  async start<F extends Fields>(
    ioctl: Ioctl<F>,
    value: StructInput<F> = {},
    pointees: IoctlPointees<Mapping> = {},
  ): Promise<IoctlResult<F>> {
    const struct = structOf(ioctl);
    const bytes = struct.encode(value);
    const { pointers, descriptors } = arrange(ioctl.name, struct, pointees);
    try {
      const { request } = ioctl.declaration;
      const [made, answer] = await this.descriptor.ioctlAsync(request, bytes, pointers, descriptors);
      return resultOf(struct, answer, made);
    } catch (error) {
      throw named(ioctl.name, error);
    }
  }

  /** Makes a request without a struct. @param argument - An integer from 0 to 65535. */
  send(ioctl: Ioctl<Fields>, argument = 0): number {
    if (ioctl.struct) throw new TypeError(`${ioctl.name} has a struct: use call`);
    try {
      return this.descriptor.ioctl(ioctl.declaration.request, argument) as number;
    } catch (error) {
      throw named(ioctl.name, error);
    }
  }

  /** Closes the file. */
  close(): void {
    this.descriptor.close();
  }

  /** Closes the file off the event loop: for drivers that have work to do then. Resolves when they are done. */
  closeAsync(): Promise<void> {
    return this.descriptor.closeAsync();
  }
}

function structOf<F extends Fields>({ name, struct }: Ioctl<F>): Struct<F> {
  if (!struct) throw new TypeError(`${name} has no struct: use send`);
  return struct;
}

/** What goes with the fields of a struct that are pointers and descriptors, in their order. */
function arrange<Source extends Mapping | ArrayBufferView>(
  call: string,
  struct: Struct<Fields>,
  pointees: IoctlPointees<Source>,
): { pointers: (IoctlMemory<Source> | undefined)[]; descriptors: Descriptor[] } {
  const pointers: (IoctlMemory<Source> | undefined)[] = [];
  const descriptors: Descriptor[] = [];
  for (const name of Object.keys(pointees)) {
    const type = struct.fields[name] as CType<unknown> | undefined;
    if (!type?.pointer && type?.descriptor !== 'given')
      throw new TypeError(`${call}: ${name} is no pointer and no given descriptor`);
  }
  for (const [name, type] of Object.entries(struct.fields) as [string, CType<unknown>][]) {
    if (type.pointer) pointers.push(pointees[name] as IoctlMemory<Source> | undefined);
    if (type.descriptor === 'given') descriptors.push(pointees[name] as Descriptor);
  }
  return { pointers, descriptors };
}

function resultOf<F extends Fields>(struct: Struct<F>, bytes: Uint8Array, made: number | Descriptor): IoctlResult<F> {
  const descriptor = typeof made === 'number' ? undefined : made;
  return { result: typeof made === 'number' ? made : 0, value: struct.decode(bytes), descriptor };
}

/** An error of the system, with the request's name. */
function named(name: string, error: unknown): unknown {
  if (error instanceof Error && 'errno' in error) {
    error.message = error.message.replace(/^ioctl:/, `${name}:`);
    Object.assign(error, { call: name });
  }
  return error;
}
