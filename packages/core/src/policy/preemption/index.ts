import type { PreemptionPolicy } from './types.js';

export type * from './types.js';

/** Names of the preemption policies that come with core. */
export type PreemptionName = 'never' | 'always' | 'weigh';

/** The preemption policies that come with core, by name. `weigh` interrupts where waiting is expected to cost more. */
export const preemptionPolicies: Readonly<Record<PreemptionName, PreemptionPolicy>> = {
  never: () => false,
  always: () => true,
  weigh: ({ waitUs, preemptionUs, residentUnits }) => waitUs > preemptionUs * residentUnits,
};
