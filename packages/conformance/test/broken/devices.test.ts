import { expect, test } from 'vitest';
import { huntingCases } from '../../src/broken/cases.js';
import { brokenDevices } from '../../src/broken/devices/index.js';
import { casesNaming } from '../../src/broken/hunt.js';
import { driverCases } from '../../src/index.js';

test('names are unique, and there are many', () => {
  expect(new Set(brokenDevices.map(({ name }) => name)).size).toBe(brokenDevices.length);
  expect(brokenDevices.length).toBeGreaterThanOrEqual(30);
});

test.each(brokenDevices.map((broken) => [broken.name, broken] as const))(
  '%s: each of its rules is in a case',
  (_, broken) => {
    for (const rule of broken.rules) expect(casesNaming([rule], huntingCases), rule).not.toHaveLength(0);
  },
);

test('a rule is matched by its whole name', () => {
  const rulesOf = (rule: string): string[] => casesNaming([rule], driverCases).map((tested) => tested.rule);
  expect(rulesOf('R1').every((rule) => /\bR1\b/.test(rule))).toBe(true);
  expect(rulesOf('Fence')).not.toHaveLength(0);
  expect(casesNaming(['Fenc'], driverCases)).toHaveLength(0);
  expect(casesNaming(['ence.value'], driverCases)).toHaveLength(0);
});
