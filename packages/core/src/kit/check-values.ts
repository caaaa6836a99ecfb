/** @throws TypeError for no number, RangeError for no integer from `least` to `most` */
export function checkInteger(what: string, value: number, least: number, most: number): void {
  if (typeof value !== 'number') throw new TypeError(`${what} must be a number, got ${show(value)}`);
  if (!(Number.isInteger(value) && value >= least && value <= most)) {
    throw new RangeError(`${what} must be an integer from ${least} to ${most}, got ${value}`);
  }
}

/** @throws TypeError for an array of another type, RangeError for one with fewer than `least` elements */
export function checkArray(
  what: string,
  value: unknown,
  type: Uint8ArrayConstructor | Uint32ArrayConstructor | Float64ArrayConstructor,
  least: number,
): void {
  if (!(value instanceof type)) throw new TypeError(`${what} must be a ${type.name}, got ${show(value)}`);
  if (value.length < least)
    throw new RangeError(`${what} has ${value.length} elements, but the command counts ${least}`);
}

/** @throws RangeError unless the first `count` values are below `limit` */
export function checkBelow(what: string, values: Uint32Array | Uint8Array, count: number, limit: number): void {
  for (let i = 0; i < count; i++) {
    if (values[i]! >= limit) throw new RangeError(`${what}[${i}] must be below ${limit}, got ${values[i]}`);
  }
}

/** A value as a message names it. */
export function show(value: unknown): string {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
    case 'undefined':
      return `${value}`;
    default:
      return typeof value;
  }
}

/** @throws RangeError unless the first `count` pages are integers from 0 to `limit` - 1 */
export function checkPageNumbers(what: string, pages: Float64Array, count: number, limit: number): void {
  for (let i = 0; i < count; i++) {
    const page = pages[i]!;
    if (!(page >= 0 && page < limit && Math.floor(page) === page)) {
      throw new RangeError(`${what}.pages[${i}] must be an integer from 0 to ${limit - 1}, got ${page}`);
    }
  }
}

/** `Array.isArray` that leaves the type alone: on a readonly array it would narrow to `any[]`. */
export function isArray(value: unknown): boolean {
  return Array.isArray(value);
}
