import type { DriverFile } from './driver-file.js';
import type { Mapping } from './mapping.js';

/** What a request's struct points to; see `pointers` of {@link IoctlRequest}. */
export interface IoctlPointer {
  /** Offset of the pointer (64 bits) in the struct. */
  readonly at: number;
  /** Bytes that the kernel takes there, or per count where there is `countAt`. */
  readonly unit: number;
  /** Offset of the field that counts them. */
  readonly countAt?: number;
  /** Size of that field in bytes. */
  readonly countSize?: 4 | 8;
}

/**
 * A request that a descriptor may be asked. What is declared here is trusted: the addon checks every call against it, but cannot know
 * whether it is what the driver does.
 */
export interface IoctlRequest {
  /** Number of the request: see `ioctlNumber`. */
  readonly request: number;
  /** Its pointers, in the order in which calls give them. JavaScript never writes an address itself. */
  readonly pointers?: readonly IoctlPointer[];
  /** Offsets of descriptors (32 bits) that calls give. */
  readonly descriptors?: readonly number[];
  /** Offset of a descriptor that the kernel makes: the call returns it as a {@link Descriptor}. */
  readonly result?: number;
}

/** Memory for the kernel to read or write, and where in it. */
export type IoctlMemory<Source extends Mapping | ArrayBufferView = Mapping | ArrayBufferView> = readonly [
  source: Source,
  offset: number,
];

/** Opens files. */
export interface DescriptorClass {
  /**
   * Opens a file, without waiting for anybody (`O_NONBLOCK`), for this process only (`O_CLOEXEC`).
   *
   * @param flags - As of `open(2)`, `fs.constants.O_*`; `O_RDWR` when left out.
   * @param requests - What `ioctl` may ask it; nothing when left out.
   * @throws Error `{ errno, code, call }`.
   */
  open(path: string, flags?: number, requests?: readonly IoctlRequest[]): Descriptor;
  /** The descriptor that another thread shared. @throws Error `CLOSED` when it is closed everywhere. */
  adopt(token: number): Descriptor;
}

/** An owned file descriptor. It is closed by {@link close} of each thread that has it, or when it is collected. */
export interface Descriptor extends DriverFile {
  /**
   * Asks the driver. Blocks as long as the driver does. A request that a signal interrupts (`EINTR`), or that the driver asks to make again
   * (`EAGAIN`), is made again, until it has been made 1000 times.
   *
   * @param request - Of those that `open` was given.
   * @param argument - The struct, at least as long as the number says, which the kernel may change; for numbers without a struct an integer from 0 to 65535.
   * @param pointers - Memory for the declared pointers, in their order; `undefined` and what is missing is a null pointer.
   * @param descriptors - The declared descriptors.
   * @returns What the driver returned, not negative; or the descriptor that it made.
   * @throws Error `{ errno, code, call }`; RangeError, TypeError when it is not what was declared.
   */
  ioctl(
    request: number,
    argument?: number | ArrayBufferView,
    pointers?: readonly (IoctlMemory | undefined)[],
    descriptors?: readonly Descriptor[],
  ): number | Descriptor;
  /**
   * As {@link ioctl}, on a thread of its own: for requests that block. It cannot be cancelled; a thread of JavaScript ends only when the driver has
   * answered.
   *
   * @param argument - As of `ioctl`; the struct is copied, and stays as it is.
   * @param pointers - As of `ioctl`, but Mappings only: what the driver uses must stay where it is.
   * @returns What `ioctl` returns, and the struct as the driver left it (empty for numbers without one).
   * @throws TypeError, RangeError at once; rejects with Error `{ errno, code, call }`, or `BUSY` for more than 256 waits at once.
   */
  ioctlAsync(
    request: number,
    argument?: number | ArrayBufferView,
    pointers?: readonly (IoctlMemory<Mapping> | undefined)[],
    descriptors?: readonly Descriptor[],
  ): Promise<readonly [result: number | Descriptor, struct: Uint8Array]>;
  /**
   * Closes it as `close`, off the event loop: for drivers that have work to do then. For this thread it is closed when the call returns; resolves when
   * the driver is done. What it waits for cannot be cancelled. Rejects with `BUSY` where no thread is left: it was closed on the event loop then.
   */
  closeAsync(): Promise<void>;
}
