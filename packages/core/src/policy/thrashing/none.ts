import type { ThrashingHint, ThrashingPolicy } from './types.js';

const NOTHING: ThrashingHint = { kind: 'none', place: -1, until: 0 };

/** Watches nothing. */
export class NoThrashing implements ThrashingPolicy {
  readonly name = 'none';

  note(): void {
    // Nothing is made of it.
  }

  hint(): ThrashingHint {
    return NOTHING;
  }

  isThrashing(): boolean {
    return false;
  }
}
