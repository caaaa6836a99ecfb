/**
 * Why an operation failed. Codes are stable: compare them, never messages.
 *
 * - `ADDRESS_NOT_MAPPED` no region covers the address
 * - `ACCESS_DENIED` the region, or advice on it, forbids this access
 * - `OUT_OF_DEVICE_MEMORY` the device cannot hold the pages one work unit needs at once
 * - `OUT_OF_HOST_MEMORY` the host budget or the allocator is exhausted
 * - `OUT_OF_ADDRESS_SPACE` no free range of that size (or not at that fixed address)
 * - `DEVICE_LOST` the device is gone; `ranges` says what existed nowhere else
 * - `DEVICE_TIMEOUT` a bounded wait expired without progress
 * - `UNSUPPORTED` the device does not claim the feature
 * - `INVALID_ARGUMENT` a well-typed argument that cannot be served in the present state
 * - `CONTRACT_VIOLATION` a backend or a caller broke a rule of the contract; the message names it
 * - `CLOSED` the object was closed, released or detached before
 * - `ABORTED` an AbortSignal ended the operation; nothing was lost
 * - `BUSY` a non-blockable request met something that would have to wait
 * - `IO` a file or byte source failed; `cause` has its error
 * - `PROGRAM` a device program threw or does not compile; `cause` has its error
 */
export type ErrorCode =
  | 'ADDRESS_NOT_MAPPED'
  | 'ACCESS_DENIED'
  | 'OUT_OF_DEVICE_MEMORY'
  | 'OUT_OF_HOST_MEMORY'
  | 'OUT_OF_ADDRESS_SPACE'
  | 'DEVICE_LOST'
  | 'DEVICE_TIMEOUT'
  | 'UNSUPPORTED'
  | 'INVALID_ARGUMENT'
  | 'CONTRACT_VIOLATION'
  | 'CLOSED'
  | 'ABORTED'
  | 'BUSY'
  | 'IO'
  | 'PROGRAM';

/** A half-open range of byte addresses, `[start, end)`. */
export interface ByteRange {
  /** First byte address. */
  readonly start: number;
  /** End address, exclusive; greater than `start`. */
  readonly end: number;
}

/** What a {@link MirrorError} knows beside its message. */
export interface ErrorDetails {
  /** First byte address concerned. */
  readonly address?: number;
  /** Byte ranges concerned, for example what a lost device took with it. */
  readonly ranges?: readonly ByteRange[];
  /** Name of the device concerned. */
  readonly device?: string;
  /** Rule of the contract that was broken: `R1` to `R10`. */
  readonly rule?: string;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/** The one error type of Mirrorspace. Its message says what happened, where, and what to do next. */
export class MirrorError extends Error {
  /** Tells it from other errors where `instanceof` cannot, across copies of the package. */
  override readonly name = 'MirrorError';
  /** What failed: compare this. */
  readonly code: ErrorCode;
  /** First byte address concerned, where there is one. */
  readonly address: number | undefined;
  /** Byte ranges concerned, where there are any: for example what a lost device took with it. */
  readonly ranges: readonly ByteRange[] | undefined;
  /** Name of the device concerned, where there is one. */
  readonly device: string | undefined;
  /** Rule of the contract that was broken, where it was. */
  readonly rule: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.address = details.address;
    this.ranges = details.ranges;
    this.device = details.device;
    this.rule = details.rule;
  }
}
