import { isAccessedBy } from './accessed-by.js';
import { HOST, type PlacementAction, type PlacementRequest } from './types.js';

/**
 * The order in which NVIDIA's UVM driver chooses where a page is to be (open-gpu-kernel-modules, uvm_va_block_select_residency): read duplication; the preferred location, if it is
 * the one that faulted; where thrashing pins it; of a page that nobody has touched the preferred location, else whoever touches it; where it is, if the one that faulted keeps a mapping (accessed
 * by) or adds atomically from afar; the preferred location, if it can be reached there; else whoever faulted. Reads move a page like writes.
 */
export function uvmResidency(request: PlacementRequest): PlacementAction {
  const { device, owner, preferred, remote } = request;
  const reads = request.access === 'read';
  if (owner === device) return 'migrate';
  if (request.pinned) return remote ? 'remote' : reads ? 'duplicate' : 'deny';
  if (request.readMostly && reads) return 'duplicate';
  if (preferred === device) return 'migrate';
  if (request.thrashingPin !== undefined && request.thrashingPin !== device && remote) return 'remote';
  if (request.untouched === true) return preferred === HOST && remote ? 'remote' : 'migrate';
  if (remote && isAccessedBy(request)) return 'remote';
  if (remote && request.access === 'atomic') return 'remote';
  return remote && preferred === owner ? 'remote' : 'migrate';
}
