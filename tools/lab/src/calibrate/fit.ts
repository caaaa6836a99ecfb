import { type CostModel, UVMSMART } from '../replay/cost-model.js';

/** What moving some bytes took, with all that goes along with it. */
export interface Sample {
  readonly bytes: number;
  readonly us: number;
}

/** A model that samples were fitted to. */
export interface Fit {
  readonly model: CostModel;
  /** The root of the mean square of the relative errors. */
  readonly error: number;
}

/** Slopes that are tried first, by KiB: from one where 4 KiB are next to nothing to one where all sizes are alike. */
const [LEAST, MOST] = [1e-4, 10];
const STEPS = 120;
/** Bandwidth that counts as unlimited, in GB/s. */
const UNLIMITED = 1000;

/**
 * Fits time = batch + bytes / bandwidth(bytes), with the bandwidth of `CostModel`, to samples, by least squares of relative errors. For a slope, the other two are
 * a linear problem; so the slope is searched, twice, the second time around the best.
 * @throws RangeError for fewer than three different sizes, or values that are no sample
 */
export function fit(samples: readonly Sample[]): Fit {
  for (const { bytes, us } of samples)
    if (!(bytes > 0) || !(us > 0) || !Number.isFinite(bytes + us))
      throw new RangeError(`no sample: ${bytes} bytes in ${us} microseconds`);
  if (new Set(samples.map(({ bytes }) => bytes)).size < 3)
    throw new RangeError('a cost model needs transfers of three different sizes at least');
  let best = search(samples, LEAST, MOST);
  const ratio = (MOST / LEAST) ** (1 / STEPS);
  for (let round = 0; round < 2; round++) {
    const width = ratio ** (round === 0 ? 2 : 0.1);
    const found = search(samples, best.model.slopePerKiB / width, best.model.slopePerKiB * width);
    if (found.error < best.error) best = found;
  }
  return best;
}

function search(samples: readonly Sample[], least: number, most: number): Fit {
  let best: Fit | undefined;
  for (let step = 0; step <= STEPS; step++) {
    const found = linear(samples, least * (most / least) ** (step / STEPS));
    if (best === undefined || found.error < best.error) best = found;
  }
  return best!;
}

/** The best batch and peak for a slope: weighted linear regression of the time on bytes over the arctangent. */
function linear(samples: readonly Sample[], slopePerKiB: number): Fit {
  const points = samples.map(({ bytes, us }) => ({
    x: (Math.PI * bytes) / (2000 * Math.atan((slopePerKiB * bytes) / 1024)),
    us,
    weight: 1 / (us * us),
  }));
  let [w, wx, wy, wxx, wxy] = [0, 0, 0, 0, 0];
  for (const { x, us, weight } of points) {
    w += weight;
    wx += weight * x;
    wy += weight * us;
    wxx += weight * x * x;
    wxy += weight * x * us;
  }
  const determinant = w * wxx - wx * wx;
  let perPeak = determinant > 0 ? (w * wxy - wx * wy) / determinant : 0;
  let batchUs = (wy - perPeak * wx) / w;
  if (batchUs < 0) [batchUs, perPeak] = [0, wxy / wxx];
  perPeak = Math.max(perPeak, 1 / UNLIMITED);
  const errors = points.map(({ x, us }) => (batchUs + perPeak * x) / us - 1);
  const error = Math.sqrt(errors.reduce((sum, one) => sum + one * one, 0) / errors.length);
  return { model: { batchUs, peakGBs: 1 / perPeak, slopePerKiB, accessUs: UVMSMART.accessUs }, error };
}
