import { isAccessedBy } from './accessed-by.js';
import { onTouch } from './on-touch.js';
import type { PlacementAction, PlacementPolicy, PlacementRequest } from './types.js';

/** Accesses from afar after which UVM's access counters notify (`uvm_perf_access_counter_threshold`). */
const COUNTER_THRESHOLD = 256;

/**
 * Leaves a page where it is until so many accesses from afar were counted, as the access counters of Volta and later GPUs do; then, or where nothing can be reached
 * from afar, as `onTouch`. Default 256. Core counts none: on a device that mirrors the process, which uses host memory from afar, pages stay where they are.
 * @throws RangeError when the threshold is no positive integer
 */
export function byAccessCounters(threshold = COUNTER_THRESHOLD): PlacementPolicy {
  if (!Number.isSafeInteger(threshold) || threshold < 1)
    throw new RangeError(`threshold must be a positive integer, got ${threshold}`);
  return (request) => {
    const stays = request.remote && request.owner !== request.device && (request.counted ?? 0) < threshold;
    return stays ? 'remote' : onTouch(request);
  };
}

/** Keeps a page at its preferred location: others use it from there, or have copies to read; without such advice as `onTouch`. */
export function atPreferred(request: PlacementRequest): PlacementAction {
  const { preferred, device, remote } = request;
  if (preferred === undefined || preferred === device || request.owner === device) return onTouch(request);
  if (remote) return 'remote';
  return request.access === 'read' ? 'duplicate' : onTouch(request);
}

/** A page that nobody has touched goes to its preferred location, wherever it is touched first; afterwards as `onTouch`. */
export function firstTouchAtPreferred(request: PlacementRequest): PlacementAction {
  return request.untouched === true ? atPreferred(request) : onTouch(request);
}

/** Whoever is said to access a page keeps a mapping of it and does not move it; others as `onTouch`. */
export function byAccessedBy(request: PlacementRequest): PlacementAction {
  const { device, owner, remote } = request;
  return isAccessedBy(request) && remote && owner !== device ? 'remote' : onTouch(request);
}

/** Gives everybody who reads a copy, whatever advice says; writes move the page and end the copies. */
export function readDuplication(request: PlacementRequest): PlacementAction {
  if (request.owner === request.device) return 'migrate';
  return request.access === 'read' ? 'duplicate' : onTouch(request);
}
