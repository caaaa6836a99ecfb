/** Smallest page size there is, in bytes. */
export const MIN_PAGE_SIZE = 4096;

/** Largest page size there is, in bytes (2 MiB). */
export const MAX_PAGE_SIZE = 2 * 1024 * 1024;

/** Width of an address, in bits. */
export const ADDRESS_BITS = 47;

/** First byte address beyond the space; every address lies in 0 … ADDRESS_LIMIT - 1. */
export const ADDRESS_LIMIT = 2 ** ADDRESS_BITS;

/** Says whether `value` is a page size: a power of two between MIN_PAGE_SIZE and MAX_PAGE_SIZE bytes. */
export function isPageSize(value: unknown): value is number {
  return (
    typeof value === 'number' &&
    value >= MIN_PAGE_SIZE &&
    value <= MAX_PAGE_SIZE &&
    Number.isInteger(value) &&
    (value & (value - 1)) === 0
  );
}

/**
 * Binary logarithm of a page size: an address divided by 2 ** shift is its page number.
 * @throws RangeError when `pageSize` is not a page size
 */
export function pageShift(pageSize: number): number {
  checkPageSize(pageSize);
  return 31 - Math.clz32(pageSize);
}

/**
 * Returns `pageSize` when it is one.
 * @throws TypeError when it is not a number, RangeError when it is not a page size
 */
export function checkPageSize(pageSize: number): number {
  if (typeof pageSize !== 'number') throw new TypeError(`page size must be a number, got ${typeof pageSize}`);
  if (!isPageSize(pageSize)) {
    throw new RangeError(
      `page size must be a power of two from ${MIN_PAGE_SIZE} to ${MAX_PAGE_SIZE} bytes, got ${pageSize}`,
    );
  }
  return pageSize;
}

/*
 * Bitwise operators truncate to 32 bits, so nothing below uses them on addresses. Multiplying by the reciprocal of a
 * power of two is exact for every integer below 2 ** 53, and compiles to a multiplication where `%` calls fmod.
 */

/** The greatest multiple of `size` that is not above `address`; `size` is a power of two in bytes, unchecked. */
export function alignDown(address: number, size: number): number {
  return Math.floor(address * (1 / size)) * size;
}

/** The smallest multiple of `size` that is not below `address`; `size` is a power of two in bytes, unchecked. */
export function alignUp(address: number, size: number): number {
  return Math.ceil(address * (1 / size)) * size;
}

/** Says whether `address` is a multiple of `size`, a power of two in bytes, unchecked. */
export function isAligned(address: number, size: number): boolean {
  return alignDown(address, size) === address;
}

/** The number of the page that holds `address`; `pageSize` is a power of two in bytes, unchecked. */
export function pageOf(address: number, pageSize: number): number {
  return Math.floor(address * (1 / pageSize));
}

/** Formats an address for a message: `0x` and lower-case digits; what is not an integer prints as it is. */
export function hex(address: number): string {
  if (!Number.isInteger(address)) return String(address);
  return address < 0 ? `-0x${(-address).toString(16)}` : `0x${address.toString(16)}`;
}
