/** What a device and its bus cost. */
export interface CostModel {
  /** Microseconds a batch of faults costs beside its transfers: interrupt, service on the CPU, replay. */
  readonly batchUs: number;
  /** The bandwidth that no transfer reaches, in GB/s (bytes a nanosecond). */
  readonly peakGBs: number;
  /** How fast it is approached, by KiB of a transfer. */
  readonly slopePerKiB: number;
  /** Microseconds an access takes that does not fault. */
  readonly accessUs: number;
}

/**
 * UVMSmart's (Ganguly et al., ISCA 2019, and its simulator): 45 us a batch, and a bandwidth by the size of a transfer of (24 / pi) * atan(0.07292 * KiB) GB/s,
 * fitted to PCIe 3.0 x16. Accesses themselves cost nothing: what a program computes is the same under every policy.
 */
export const UVMSMART: CostModel = { batchUs: 45, peakGBs: 12, slopePerKiB: 0.07292, accessUs: 0 };

/** Bandwidth in GB/s of a transfer of so many bytes. */
export function bandwidth({ peakGBs, slopePerKiB }: CostModel, bytes: number): number {
  return ((2 * peakGBs) / Math.PI) * Math.atan((slopePerKiB * bytes) / 1024);
}

/** Microseconds that a transfer of so many bytes takes. */
export function transferUs(model: CostModel, bytes: number): number {
  return bytes === 0 ? 0 : bytes / (bandwidth(model, bytes) * 1000);
}

/**
 * A model with some parameters changed.
 * @throws RangeError when one is negative or no number, or a bandwidth would be 0
 */
export function costModel(changes: Partial<CostModel> = {}): CostModel {
  const model = { ...UVMSMART, ...changes };
  for (const [name, value] of Object.entries(model) as [keyof CostModel, number][]) {
    const isRate = name === 'peakGBs' || name === 'slopePerKiB';
    if (!Number.isFinite(value) || value < 0 || (isRate && value === 0))
      throw new RangeError(`${name} must be a ${isRate ? 'positive' : 'non-negative'} number, got ${value}`);
  }
  return model;
}
