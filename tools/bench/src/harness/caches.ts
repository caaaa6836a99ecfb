/** More than any last-level cache that this may run on. */
const sweep = new Float64Array((96 << 20) / 8);

/** Drives everything else out of the processor's caches. */
export function coolCaches(): void {
  for (let i = 0; i < sweep.length; i += 8) sweep[i]! += 1;
}
