const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** Reads a size in bytes: a number, or text with a binary unit. @throws TypeError, RangeError */
export function parseBytes(size: number | string): number {
  if (typeof size === 'number') return size;
  if (typeof size !== 'string')
    throw new TypeError(`a size must be a number of bytes or text such as '64 MiB', got ${typeof size}`);
  const [, digits, unit] = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$/.exec(size) ?? [];
  const factor = unit === undefined ? undefined : UNITS[unit];
  if (digits === undefined || factor === undefined)
    throw new RangeError(`'${size}' is no size: write bytes, or a number and one of B, KiB, MiB, GiB, TiB`);
  return Math.floor(Number(digits) * factor);
}
