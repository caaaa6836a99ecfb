import fc from 'fast-check';
import { test } from 'vitest';
import { runSequential, steps, worlds } from './sequential.js';
import { settingsOf, TEST_TIMEOUT_MS } from './settings.js';

test(
  'spaces, devices and the CPU do what the plain model does, with what lies behind them taking time',
  async () => {
    await fc.assert(fc.asyncProperty(worlds(4096, true, false), steps(30), runSequential), settingsOf('timed', 1500));
  },
  TEST_TIMEOUT_MS,
);
