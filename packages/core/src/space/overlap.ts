/** What remains of a mapping when a request takes the bytes of `[start, end)`. Half-open byte ranges; absent: nothing on that side. */
export interface Remainder {
  /** What stays in front of the request. */
  readonly before?: { readonly start: number; readonly end: number };
  /** What stays behind the request. */
  readonly after?: { readonly start: number; readonly end: number };
}

/**
 * Says what an overlapping request leaves of an existing mapping: nothing (it is unmapped), or one or two parts (it is remapped).
 * With it, every map over mappings is at most two remaps, one map and any number of unmaps, as the 15 cases that the
 * kernel's GPU VA manager (drm_gpuvm) documents.
 */
export function remainder(existing: { start: number; end: number }, start: number, end: number): Remainder {
  const before = existing.start < start ? { start: existing.start, end: Math.min(existing.end, start) } : undefined;
  const after = existing.end > end ? { start: Math.max(existing.start, end), end: existing.end } : undefined;
  return { ...(before && { before }), ...(after && { after }) };
}
