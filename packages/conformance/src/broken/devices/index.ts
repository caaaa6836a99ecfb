import type { BrokenDevice } from '../device.js';
import { accesses } from './accesses.js';
import { bits } from './bits.js';
import { cancels } from './cancels.js';
import { changes } from './changes.js';
import { claims } from './claims.js';
import { copies } from './copies.js';
import { entries } from './entries.js';
import { faults } from './faults.js';
import { fences } from './fences.js';
import { harvest } from './harvest.js';
import { hostMigration } from './host-migration.js';
import { limits } from './limits.js';
import { lives } from './lives.js';
import { mirroring } from './mirroring.js';
import { order } from './order.js';
import { reclaim } from './reclaim.js';
import { remapPages } from './remap-pages.js';
import { replays } from './replays.js';
import { sharing } from './sharing.js';
import { tlb } from './tlb.js';

/** Every broken device: each must be caught by a case that names the rule it breaks. */
export const brokenDevices: readonly BrokenDevice[] = [
  ...tlb,
  ...changes,
  ...bits,
  ...harvest,
  ...reclaim,
  ...entries,
  ...sharing,
  ...remapPages,
  ...accesses,
  ...copies,
  ...hostMigration,
  ...order,
  ...fences,
  ...faults,
  ...cancels,
  ...replays,
  ...lives,
  ...claims,
  ...limits,
  ...mirroring,
];
