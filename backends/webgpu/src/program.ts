import type { WgslProgram } from '@mirrorspace/core/driver';

/** Lanes of a program's work units by dimension. @throws TypeError, RangeError */
export function lanesOf(program: WgslProgram, most: number): readonly [number, number, number] {
  const { lanes = 64 } = program;
  const sides: readonly unknown[] = typeof lanes === 'number' ? [lanes, 1, 1] : lanes;
  if (!Array.isArray(sides) || sides.length !== 3)
    throw new TypeError('lanes of a wgsl program must be a number, or [x, y, z]');
  for (const side of sides) {
    if (typeof side !== 'number' || !Number.isInteger(side) || side < 1)
      throw new RangeError(`lanes of a wgsl program must be integers ≥ 1, got ${String(side)}`);
  }
  const [x, y, z] = sides as [number, number, number];
  if (x * y * z > most) throw new RangeError(`${x * y * z} lanes a work unit; this adapter runs ${most} at most`);
  return [x, y, z];
}
