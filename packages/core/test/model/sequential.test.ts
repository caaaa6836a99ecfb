import fc from 'fast-check';
import { test } from 'vitest';
import { runSequential, steps, worlds } from './sequential.js';
import { settingsOf, TEST_TIMEOUT_MS } from './settings.js';

test(
  'spaces, devices and the CPU do what the plain model does',
  async () => {
    await fc.assert(
      fc.asyncProperty(worlds(4096, false, false), steps(30), runSequential),
      settingsOf('sequential', 4000),
    );
  },
  TEST_TIMEOUT_MS,
);
