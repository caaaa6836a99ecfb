import type { PlacementRequest } from './types.js';

/** Whether advice says that the device which faulted uses the page. */
export function isAccessedBy({ device, accessedBy }: PlacementRequest): boolean {
  return device >= 0 && device < 32 && ((accessedBy >>> device) & 1) === 1;
}
