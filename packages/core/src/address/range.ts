import { ADDRESS_LIMIT, alignDown, alignUp, checkPageSize, hex, isAligned } from './page.js';

/** Bytes from `start` up to but not including `end`; never empty, inside 0 … ADDRESS_LIMIT. */
export interface AddressRange {
  /** First byte address. */
  readonly start: number;
  /** First byte address after the range. */
  readonly end: number;
}

/** An AddressRange (in bytes, not in page numbers) whose two ends lie on page boundaries. */
export type PageRange = AddressRange;

/**
 * The range of `bytes` bytes that begins at `start`.
 * @throws TypeError when an argument is not a number, RangeError when it is not an integer, when `bytes` is not positive
 *   or when the range leaves the space
 */
export function rangeOf(start: number, bytes: number): AddressRange {
  checkAddress(start, 'start');
  checkByteLength(bytes, 'bytes');
  const end = start + bytes;
  if (end > ADDRESS_LIMIT) {
    throw new RangeError(`${bytes} bytes at ${hex(start)} end beyond the space, which ends at ${hex(ADDRESS_LIMIT)}`);
  }
  return { start, end };
}

/** The number of bytes in `range`. */
export function bytesOf(range: AddressRange): number {
  return range.end - range.start;
}

/** The smallest page range that holds `range`; the page size in bytes is a power of two, unchecked. */
export function pageRangeOf(range: AddressRange, pageSize: number): PageRange {
  return { start: alignDown(range.start, pageSize), end: alignUp(range.end, pageSize) };
}

/** Says whether two ranges share a byte. */
export function overlaps(a: AddressRange, b: AddressRange): boolean {
  return a.start < b.end && b.start < a.end;
}

/** The bytes that two ranges share, or undefined when they share none. */
export function intersect(a: AddressRange, b: AddressRange): AddressRange | undefined {
  const start = Math.max(a.start, b.start);
  const end = Math.min(a.end, b.end);
  return start < end ? { start, end } : undefined;
}

/** Says whether `outer` holds every byte of `inner`. */
export function contains(outer: AddressRange, inner: AddressRange): boolean {
  return outer.start <= inner.start && inner.end <= outer.end;
}

/** Says whether `range` holds the byte at `address`. */
export function containsAddress(range: AddressRange, address: number): boolean {
  return range.start <= address && address < range.end;
}

/**
 * Returns `address` when it is a byte address: an integer in 0 … ADDRESS_LIMIT - 1.
 * @throws TypeError when it is not a number, RangeError when it is not such an integer
 */
export function checkAddress(address: number, name = 'address'): number {
  checkInteger(address, name);
  if (address < 0 || address >= ADDRESS_LIMIT) {
    throw new RangeError(`${name} must lie in 0x0 to ${hex(ADDRESS_LIMIT - 1)}, got ${hex(address)}`);
  }
  return address;
}

/**
 * Returns `bytes` when it is the length of a range: an integer in 1 … ADDRESS_LIMIT.
 * @throws TypeError when it is not a number, RangeError when it is not such an integer
 */
export function checkByteLength(bytes: number, name = 'bytes'): number {
  checkInteger(bytes, name);
  if (bytes <= 0 || bytes > ADDRESS_LIMIT) {
    throw new RangeError(`${name} must lie in 1 to ${ADDRESS_LIMIT}, got ${bytes}`);
  }
  return bytes;
}

/**
 * Returns `range` when it is a non-empty range inside the space.
 * @throws TypeError when it is not an object of two numbers, RangeError when they are no such range
 */
export function checkRange(range: AddressRange, name = 'range'): AddressRange {
  if (typeof range !== 'object' || range === null) {
    throw new TypeError(`${name} must be an object { start, end }, got ${range === null ? 'null' : typeof range}`);
  }
  checkAddress(range.start, `${name}.start`);
  checkInteger(range.end, `${name}.end`);
  if (range.end <= range.start) {
    throw new RangeError(`${name} must end after it starts, got ${hex(range.start)} to ${hex(range.end)}`);
  }
  if (range.end > ADDRESS_LIMIT) {
    throw new RangeError(`${name}.end must be at most ${hex(ADDRESS_LIMIT)}, got ${hex(range.end)}`);
  }
  return range;
}

/**
 * Returns `range` when it is a range whose two ends are multiples of `pageSize` bytes.
 * @throws TypeError or RangeError as checkRange and checkPageSize do, RangeError when an end is not aligned
 */
export function checkPageRange(range: PageRange, pageSize: number, name = 'range'): PageRange {
  checkPageSize(pageSize);
  checkRange(range, name);
  if (!isAligned(range.start, pageSize) || !isAligned(range.end, pageSize)) {
    throw new RangeError(
      `${name} must begin and end on multiples of ${pageSize} bytes, got ${hex(range.start)} to ${hex(range.end)}`,
    );
  }
  return range;
}

function checkInteger(value: number, name: string): void {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, got ${typeof value}`);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${name} must be a safe integer, got ${value}`);
}
