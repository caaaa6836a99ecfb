import fc from 'fast-check';
import { test } from 'vitest';
import { anyLanes, runLanes } from './lanes.js';
import { worlds } from './sequential.js';
import { settingsOf, TEST_TIMEOUT_MS } from './settings.js';

test(
  'what runs at the same time does what the plain model does, in every order',
  async () => {
    await fc.assert(
      fc.asyncProperty(worlds(4096, true, false), fc.scheduler(), anyLanes, runLanes),
      settingsOf('lanes', 2500),
    );
  },
  TEST_TIMEOUT_MS,
);
