import fc from 'fast-check';
import { test } from 'vitest';
import { anyLossRun, runLoss } from './loss-lanes.js';
import { worlds } from './sequential.js';
import { settingsOf, TEST_TIMEOUT_MS } from './settings.js';

/** Two devices; nothing comes to one that nobody asked for, so that what it may own is known. */
const lossWorlds = worlds(4096, true, false).map((config) => ({
  ...config,
  frames: [config.frames[0]!, config.frames[1] ?? 6],
  prefetch: 'none' as const,
  // A set would come before these.
  policies: undefined,
}));

test(
  'a device that is lost while others work takes what it alone had, and says exactly what',
  async () => {
    await fc.assert(fc.asyncProperty(lossWorlds, fc.scheduler(), anyLossRun, runLoss), settingsOf('loss', 1000));
  },
  TEST_TIMEOUT_MS,
);
