/** @throws TypeError, RangeError for a value that is no integer from `least` to `most` */
export function checkValue(value: number, least: number, most: number, name = 'value'): void {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, got ${typeof value}`);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RangeError(`${name} must be an integer from ${least} to ${most}, got ${value}`);
}
