import type { PrefetchPolicy } from './types.js';

/** Brings nothing but what faulted. */
export class NoPrefetch implements PrefetchPolicy {
  readonly name = 'none';

  plan(): number {
    return 0;
  }
}
