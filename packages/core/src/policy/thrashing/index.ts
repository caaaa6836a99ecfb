import { NoThrashing } from './none.js';
import type { ThrashingFactory } from './types.js';
import { UvmThrashing } from './uvm.js';

export * from './none.js';
export type * from './types.js';
export * from './uvm.js';

/** Names of the thrashing policies that come with core. */
export type ThrashingName = 'none' | 'uvm';

/** The thrashing policies that come with core, by name. */
export const thrashingPolicies: Readonly<Record<ThrashingName, ThrashingFactory>> = {
  none: () => new NoThrashing(),
  uvm: () => new UvmThrashing(),
};
