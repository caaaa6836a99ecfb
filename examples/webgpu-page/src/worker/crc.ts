/**
 * CRC-32 as in zip and PNG, as arithmetic on polynomials over GF(2), so that parts can be computed apart from each other and put
 * together: the CRC of A followed by B is that of A times x^(bits of B), plus that of B. Bit 31 is the coefficient of x^0.
 * Source: M. Adler, `crc32_combine` of zlib.
 */
export const POLYNOMIAL = 0xedb88320;

/** x has this order: x^ORDER = 1. */
const ORDER = 2 ** 32 - 1;

/** The product of two polynomials modulo {@link POLYNOMIAL}. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 31; bit >= 0; bit -= 1) {
    if ((a >>> bit) & 1) product ^= b;
    b = b & 1 ? (b >>> 1) ^ POLYNOMIAL : b >>> 1;
  }
  return product >>> 0;
}

/** x to the power of `exponent`, which may be negative. */
export function power(exponent: number): number {
  let left = ((exponent % ORDER) + ORDER) % ORDER;
  let result = 2 ** 31;
  for (let base = 2 ** 30; left > 0; left = Math.floor(left / 2), base = multiply(base, base))
    if (left % 2 === 1) result = multiply(result, base);
  return result;
}

/** The CRC-32 of `bytes` bytes out of the plain remainders of pages of `pageSize` bytes, of which the last one is filled up with zeros. */
export class Crc {
  readonly #page: number;
  readonly #pageSize: number;
  #remainder = 0;
  #added = 0;

  constructor(pageSize: number) {
    this.#pageSize = pageSize;
    this.#page = power(8 * pageSize);
  }

  /** Adds the remainder of the next page. */
  add(remainder: number): void {
    this.#remainder = (multiply(this.#page, this.#remainder) ^ remainder) >>> 0;
    this.#added += this.#pageSize;
  }

  /** The CRC of the first `bytes` bytes of all pages. */
  of(bytes: number): number {
    const remainder = multiply(power(-8 * (this.#added - bytes)), this.#remainder);
    // CRC-32 begins with all ones, and turns all bits at the end.
    return (multiply(power(8 * bytes), 0xffffffff) ^ remainder ^ 0xffffffff) >>> 0;
  }
}
