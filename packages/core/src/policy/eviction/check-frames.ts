/** @throws RangeError when one of the first `count` frames is not below the capacity */
export function checkFrames(ids: Uint32Array, count: number, capacity: number): void {
  for (let i = 0; i < count; i++) {
    if (ids[i]! >= capacity) throw new RangeError(`frame ${ids[i]} must be below the capacity, ${capacity}`);
  }
}
