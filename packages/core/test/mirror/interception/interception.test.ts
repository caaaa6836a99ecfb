import { describe, expect, test } from 'vitest';
import { CONTENT_CHANGES } from './content-changes.js';
import { MAPPING_CHANGES } from './mapping-changes.js';
import { openPlace, toldOf } from './place.js';
import { enter, expectState, isRacing, STATES } from './states.js';

const ROWS = [...MAPPING_CHANGES, ...CONTENT_CHANGES].flatMap((change) =>
  change.memories.flatMap((memory) =>
    ([1, 2] as const).map((devices) => ({ name: change.name, change, memory, devices })),
  ),
);

describe.each(ROWS)('devices learn of a change of the CPU page table: $name; $memory, $devices devices', (row) => {
  const { change, memory, devices } = row;
  test.each(STATES)('page %s', async (state) => {
    await using place = await openPlace({ ...change, memory, devices });
    await change.prepare?.(place);
    const settled = await enter(place, state);
    expectState(place, state);
    const before = toldOf(place).length;
    await change.run(place, state);
    if (change.told !== undefined && state === 'not mapped') expect(toldOf(place).slice(before)).toContain(change.told);
    const wrote = await settled();
    await change.check(place, { state, wrote, racing: isRacing(state) });
    place.steps.expectAtomic();
  });
});
