import type { Case } from '../../case.js';
import { deviceLru } from './device-lru.js';
import { devices } from './devices.js';
import { dirty } from './dirty.js';
import { duplication } from './duplication.js';
import { error } from './error.js';
import { eviction } from './eviction.js';
import { exclusive } from './exclusive.js';
import { fault } from './fault.js';
import { file } from './file.js';
import { flush } from './flush.js';
import { fork } from './fork.js';
import { harvest } from './harvest.js';
import { harvestRaces } from './harvest-races.js';
import { hostMigration } from './host-migration.js';
import { leak } from './leak.js';
import { limit } from './limit.js';
import { loss } from './loss.js';
import { mapping } from './mapping.js';
import { merging } from './merge.js';
import { migration } from './migration.js';
import { eachChange } from './notifier-changes.js';
import { notifier } from './notifier.js';
import { protection } from './protection.js';
import { flushOnQueues, queue } from './queue.js';
import { reclaimByKind } from './reclaim-kinds.js';
import { reclaim } from './reclaim.js';
import { remap } from './remap.js';
import { remapPages } from './remap-pages.js';
import { replay } from './replay.js';
import { teardown } from './teardown.js';
import { truncation } from './truncate.js';

/** Cases that use a device through core's address space and mirror, in every variant. */
export const mirrorCases: readonly Case[] = [
  ...mapping,
  ...remap,
  ...fault,
  ...protection,
  ...notifier,
  ...eachChange,
  ...flush,
  ...flushOnQueues,
  ...queue,
  ...dirty,
  ...harvest,
  ...harvestRaces,
  ...eviction,
  ...deviceLru,
  ...reclaim,
  ...reclaimByKind,
  ...migration,
  ...hostMigration,
  ...remapPages,
  ...duplication,
  ...merging,
  ...fork,
  ...file,
  ...truncation,
  ...exclusive,
  ...devices,
  ...replay,
  ...limit,
  ...error,
  ...loss,
  ...teardown,
  ...leak,
];
