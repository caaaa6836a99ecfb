const PAGE_BYTES = 4096;
const WEIGHT_BYTES = 4;
const PER_PAGE = PAGE_BYTES / WEIGHT_BYTES;

/** What the tenants load. */
export interface Model {
  /** Bytes of its weights, 32-bit floats. */
  readonly bytes: number;
  /** Each tenant has fine-tuned one page in so many. */
  readonly tunedEvery: number;
}

/** One weight of a tenant's model: the same for all, but for the pages that the tenant has fine-tuned. */
export function weightOf(model: Model, tenant: number, index: number): number {
  const page = Math.floor(index / PER_PAGE);
  // The last page of each group is the tuned one.
  const tuned = page % model.tunedEvery === model.tunedEvery - 1;
  let bits = Math.imul(index + 1, 0x9e3779b1) ^ (tuned ? Math.imul(tenant + 1, 0x85ebca6b) : 0);
  bits = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d);
  return Math.fround((bits ^ (bits >>> 13)) / 2 ** 31);
}

/** All weights of a tenant's model. */
export function loadWeights(model: Model, tenant: number): Uint8Array {
  const weights = new Float32Array(model.bytes / WEIGHT_BYTES);
  for (let i = 0; i < weights.length; i++) weights[i] = weightOf(model, tenant, i);
  return new Uint8Array(weights.buffer);
}
