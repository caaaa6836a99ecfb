import { policySets } from '@mirrorspace/core';
import { expect, it } from 'vitest';
import { capture } from './capture.js';

it('lists the sets of policies, and the policies', async () => {
  const { exitCode, stdout } = await capture('policies');
  expect(exitCode).toBe(0);
  for (const name of Object.keys(policySets)) expect(stdout).toMatch(new RegExp(`^${name} `, 'm'));
  expect(stdout).toMatch(/^eviction .*next-use/m);
});
