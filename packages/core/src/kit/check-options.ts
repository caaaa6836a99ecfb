import { checkInteger } from './check-values.js';

/** A value that a device is opened with. @throws TypeError for no number, RangeError for no integer from `least` to `most` */
export function integerOption(what: string, value: number, least: number, most: number): number {
  checkInteger(what, value, least, most);
  return value;
}

/** The same that has to be a power of two. @throws TypeError, RangeError */
export function powerOfTwoOption(what: string, value: number, least: number, most: number): number {
  checkInteger(what, value, least, most);
  if (!Number.isInteger(Math.log2(value))) throw new RangeError(`${what} must be a power of two, got ${value}`);
  return value;
}
