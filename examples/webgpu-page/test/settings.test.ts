import { expect, test } from 'vitest';
import { moved, START } from '../src/orbit.js';
import { DEFAULTS, queryOf, settingsFrom } from '../src/settings.js';

test('settings survive the address, and what makes no sense there is left out', () => {
  const settings = { ...DEFAULTS, memory: 2 ** 19, eviction: 'clock', scene: 'small', width: 96, height: 72 } as const;
  expect(settingsFrom(queryOf(settings))).toEqual(settings);
  const nonsense = '?memory=-1&eviction=never&prefetch=toString&scene=__proto__&size=9999x1';
  expect(settingsFrom(nonsense)).toEqual(DEFAULTS);
});

test('the viewer stays above the ground and in sight', () => {
  let orbit = START;
  for (let i = 0; i < 50; i += 1) orbit = moved(orbit, 1, -0.3, 0.5);
  expect(orbit).toMatchObject({ height: 0.04, distance: 1.8 });
  for (let i = 0; i < 50; i += 1) orbit = moved(orbit, -1, 0.3, 2);
  expect(orbit).toMatchObject({ height: 1.45, distance: 12 });
});
