/** @throws RangeError when a share of frames that may be pushed out is no number from 0 to 1 */
export function checkEvicts(evicts: number): number {
  if (typeof evicts === 'number' && evicts >= 0 && evicts <= 1) return evicts;
  throw new RangeError(`evicts must lie in 0 to 1, got ${evicts}`);
}
