import { atPreferred, byAccessCounters, byAccessedBy, firstTouchAtPreferred, readDuplication } from './named.js';
import { onTouch } from './on-touch.js';
import type { PlacementPolicy } from './types.js';
import { uvmResidency } from './uvm.js';

export * from './named.js';
export * from './on-touch.js';
export * from './types.js';
export * from './uvm.js';

/** Names of the placement policies that come with core. */
export type PlacementName =
  'on-touch' | 'access-counters' | 'preferred' | 'first-touch-preferred' | 'accessed-by' | 'read-duplication' | 'uvm';

/** The placement policies that come with core, by name. */
export const placementPolicies: Readonly<Record<PlacementName, PlacementPolicy>> = {
  'on-touch': onTouch,
  'access-counters': byAccessCounters(),
  preferred: atPreferred,
  'first-touch-preferred': firstTouchAtPreferred,
  'accessed-by': byAccessedBy,
  'read-duplication': readDuplication,
  uvm: uvmResidency,
};
