import { MirrorError } from '@mirrorspace/core';
import type { Addon } from '../addon/addon.js';
import { UffdFeature, type Userfault } from '../addon/userfault.js';
import { probe } from '../probe/probe.js';
import type { Mechanism } from '../probe/mechanism.js';
import type { Tier } from '../tracking/tier.js';
import { attempt } from './refusal.js';

/** What a user may ask for. */
export type Tracking = 'auto' | Tier['mechanism'];

/** Who reads the faults of live ranges: a thread of the addon, or a JavaScript worker. */
export type FaultHandlerKind = 'thread' | 'worker';

/** What memory is made with. */
export interface Choice {
  readonly mechanism: Tier['mechanism'];
  /** Absent where faults cannot be served. */
  readonly faults: Userfault | undefined;
  readonly handler: FaultHandlerKind;
  /** Why there are none, and what to do. */
  readonly refused: string;
}

const FAULTS = UffdFeature.missingShmem | UffdFeature.minorShmem;
const PROTECTION = UffdFeature.writeProtect | UffdFeature.writeProtectShmem | UffdFeature.writeProtectUnpopulated;

let report: ReturnType<typeof probe> | undefined;

const because = ({ reason, remedy }: Mechanism) => `${reason ?? 'it does not work'}${remedy ? `; ${remedy}` : ''}`;

/**
 * Chooses how writes are tracked, by what works.
 * @throws MirrorError `UNSUPPORTED` when another way is asked for, `OUT_OF_HOST_MEMORY` when a limit of the process is reached
 */
export function choose(addon: Addon, tracking: Tracking, patienceMs: number, handler: FaultHandlerKind): Choice {
  report ??= probe();
  const { asyncTracking, syncTracking, minorFaults } = report.mechanisms!;
  const found = asyncTracking.works ? 'wp-async' : syncTracking.works ? 'wp-sync' : 'compare';
  const mechanism = tracking === 'auto' ? found : tracking;
  const wanted = { 'wp-async': asyncTracking, 'wp-sync': syncTracking, compare: { works: true } }[mechanism];
  if (!wanted.works)
    throw new MirrorError('UNSUPPORTED', `tracking by ${mechanism} does not work here: ${because(wanted)}`);
  if (!minorFaults.works) {
    return { mechanism: 'compare', faults: undefined, handler, refused: because(minorFaults) };
  }
  const tracks = mechanism === 'compare' ? 0 : PROTECTION;
  const features = FAULTS | tracks | (mechanism === 'wp-async' ? UffdFeature.writeProtectAsync : 0);
  const faults = attempt('faults of native memory', () =>
    addon.Userfault.open(features, false, patienceMs, true, handler === 'thread'),
  );
  return { mechanism, faults, handler, refused: '' };
}
