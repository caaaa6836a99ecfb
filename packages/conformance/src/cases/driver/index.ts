import type { Case } from '../../case.js';
import { devices } from './devices.js';
import { dirty, unclaimedDirty } from './dirty.js';
import { error, probe } from './error.js';
import { exclusive, managedOnMirroring } from './exclusive.js';
import { fault, unclaimedFaults } from './fault.js';
import { fence } from './fence.js';
import { flush } from './flush.js';
import { leak } from './leak.js';
import { limit } from './limit.js';
import { loss } from './loss.js';
import { mapping } from './mapping.js';
import { migration } from './migration.js';
import { program } from './program.js';
import { protection, unclaimedProtection } from './protection.js';
import { queue } from './queue.js';
import { replay } from './replay.js';
import { teardown } from './teardown.js';

/** Cases that need the driver contract alone. */
export const driverCases: readonly Case[] = [
  ...limit,
  ...mapping,
  ...fault,
  ...unclaimedFaults,
  ...protection,
  ...unclaimedProtection,
  ...flush,
  ...queue,
  ...fence,
  ...dirty,
  ...unclaimedDirty,
  ...migration,
  ...replay,
  ...program,
  ...exclusive,
  ...managedOnMirroring,
  ...devices,
  ...error,
  ...probe,
  ...loss,
  ...teardown,
  ...leak,
];
