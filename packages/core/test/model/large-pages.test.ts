import fc from 'fast-check';
import { test } from 'vitest';
import { runSequential, steps, worlds } from './sequential.js';
import { settingsOf, TEST_TIMEOUT_MS } from './settings.js';

test(
  'spaces, devices and the CPU do what the plain model does, in pages of 64 KiB',
  async () => {
    await fc.assert(
      fc.asyncProperty(worlds(65_536, false, false), steps(15), runSequential),
      settingsOf('large pages', 1000),
    );
  },
  TEST_TIMEOUT_MS,
);
