import { isAccessedBy } from './accessed-by.js';
import type { PlacementRequest, PlacementAction } from './types.js';

/**
 * Brings a page to whoever touches it: a read makes a copy beside the owner's, a write or an atomic moves the page.
 * A pin is binding; the advice after it is weighed in the order of NVIDIA's UVM driver (open-gpu-kernel-modules, its
 * choice of residency): read-mostly, preferred by the faulting device, accessed by it, preferred where it is.
 */
export function onTouch(request: PlacementRequest): PlacementAction {
  const { device, owner, preferred, remote } = request;
  const reads = request.access === 'read';
  // The page is here but mapped for less than what is asked for: owning it alone permits everything.
  if (owner === device) return 'migrate';
  if (request.pinned) return reads ? 'duplicate' : remote ? 'remote' : 'deny';
  if (request.readMostly && reads) return 'duplicate';
  if (preferred === device) return 'migrate';
  if (remote && (isAccessedBy(request) || preferred === owner)) return 'remote';
  return reads ? 'duplicate' : 'migrate';
}
