/** @throws RangeError when `capacity` is no integer in 0 … 2 ** 30 - 1 */
export function checkCapacity(capacity: number): void {
  if (Number.isInteger(capacity) && capacity >= 0 && capacity < 2 ** 30) return;
  throw new RangeError(`capacity must be an integer from 0 to ${2 ** 30 - 1}, got ${capacity}`);
}

/** @throws RangeError when one of the first `count` frames is not below the capacity */
export function checkFrames(ids: Uint32Array, count: number, capacity: number): void {
  for (let i = 0; i < count; i++) {
    if (ids[i]! >= capacity) throw new RangeError(`frame ${ids[i]} must be below the capacity, ${capacity}`);
  }
}
