import type { Case } from '../../case.js';
import { devices } from './devices.js';
import { dirty, unclaimedDirty } from './dirty.js';
import { error, probe } from './error.js';
import { exclusive, managedOnMirroring } from './exclusive.js';
import { fault } from './fault.js';
import { fence } from './fence.js';
import { fill } from './fill.js';
import { flush } from './flush.js';
import { harvest } from './harvest.js';
import { hostMigration } from './host-migration.js';
import { leak } from './leak.js';
import { limit } from './limit.js';
import { loss } from './loss.js';
import { mapping } from './mapping.js';
import { migration } from './migration.js';
import { overflow } from './overflow.js';
import { program } from './program.js';
import { programWasm } from './program-wasm.js';
import { programWgsl } from './program-wgsl.js';
import { order } from './order.js';
import { protection } from './protection.js';
import { queue } from './queue.js';
import { replay } from './replay.js';
import { rights } from './rights.js';
import { scheduling } from './scheduling.js';
import { tables } from './tables.js';
import { teardown } from './teardown.js';
import { urgent } from './urgent.js';
import { unclaimedFaults, unclaimedProtection } from './unstalled.js';

/** Cases that need the driver contract alone. */
export const driverCases: readonly Case[] = [
  ...limit,
  ...mapping,
  ...tables,
  ...fill,
  ...fault,
  ...overflow,
  ...unclaimedFaults,
  ...protection,
  ...rights,
  ...unclaimedProtection,
  ...flush,
  ...queue,
  ...order,
  ...fence,
  ...scheduling,
  ...urgent,
  ...dirty,
  ...unclaimedDirty,
  ...harvest,
  ...migration,
  ...hostMigration,
  ...replay,
  ...program,
  ...programWgsl,
  ...programWasm,
  ...exclusive,
  ...managedOnMirroring,
  ...devices,
  ...error,
  ...probe,
  ...loss,
  ...teardown,
  ...leak,
];
