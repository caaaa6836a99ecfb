import { FLAG_IN_USE, FLAG_SWAPPED, RESIDENT_DEVICE, RESIDENT_WRITABLE } from '@mirrorspace/core';
import { expect } from 'vitest';
import { expectBytes, PAGE } from '../../space/helpers.js';
import {
  type Change,
  EVERYWHERE,
  expectInFile,
  expectOwnCopy,
  flagsOf,
  inFile,
  isSettled,
  kept,
  PRIVATE,
  unchanged,
} from './change.js';
import { BY_CPU, BY_DEVICE, IN_FILE, is, look, OLD, OTHER, PAGES, type Place, toldOf } from './place.js';
import type { State } from './states.js';

/** Demands that a page left host memory, for the swap store or its file. */
function expectReclaimed(place: Place, state: State): void {
  expect(flagsOf(place)).toBe(place.memory === 'shared file' ? 0 : FLAG_SWAPPED);
  if (place.memory === 'shared file') expectBytes(inFile(place), kept(state === 'dirty'));
}

/** Changes of where contents are, and of what is known of them. */
export const CONTENT_CHANGES: readonly Change[] = [
  {
    name: 'reclaim',
    memories: EVERYWHERE,
    told: 'clear',
    async run(place, state) {
      // What the device used since it was last asked stays the first time.
      for (let pass = 0; pass < 2; pass++) await place.space.reclaim(64 * PAGE);
      if (isSettled(state)) expectReclaimed(place, state);
    },
    check: unchanged,
  },
  {
    name: 'reclaim of a range',
    memories: EVERYWHERE,
    told: 'clear',
    async run(place, state) {
      const freed = await place.space.pageOut(place.at, PAGE);
      if (state === 'not mapped') expectReclaimed(place, state);
      else if (isSettled(state)) expect([freed, flagsOf(place) & FLAG_IN_USE]).toEqual([0, FLAG_IN_USE]);
    },
    check: unchanged,
  },
  {
    name: 'same-page merging',
    memories: PRIVATE,
    told: 'clear',
    mergeable: true,
    async run({ space }, state) {
      const { merged, refused } = await space.merge();
      if (isSettled(state))
        expect({ merged, refused }).toMatchObject(state === 'not mapped' ? { merged: 1 } : { merged: 0, refused: 1 });
    },
    async check(place, outcome) {
      const { address } = place.region;
      is(await look(place, address), OLD);
      await unchanged(place, outcome);
      is(await look(place, address), OLD);
    },
  },
  ...(['forbid', 'migrate', 'unmap'] as const).map((devicePages): Change => ({
    name: `host migration, ${devicePages}`,
    memories: EVERYWHERE,
    told: 'migrate',
    async run(place, state) {
      const used = flagsOf(place) & FLAG_IN_USE;
      const { moved, refused } = await place.space.relocate(place.region.address, PAGES * PAGE, { devicePages });
      if (!isSettled(state)) return;
      const stays = devicePages === 'forbid' && used !== 0;
      expect([moved > 0, refused, toldOf(place)]).toEqual([true, Number(stays), stays ? [] : ['migrate']]);
      expect(flagsOf(place) & FLAG_IN_USE).toBe(devicePages === 'unmap' ? 0 : used);
    },
    check: unchanged,
  })),
  {
    name: 'migration to the host',
    memories: EVERYWHERE,
    told: 'migrate',
    async run({ mirror, at, space }, state) {
      await mirror.migrate(at, PAGE, 'host');
      if (isSettled(state)) expect(mirror.residency(at, PAGE)[0]! & RESIDENT_DEVICE).toBe(0);
      await space.flush();
    },
    check: unchanged,
  },
  {
    name: 'migration to a device',
    memories: EVERYWHERE,
    told: 'migrate',
    async run({ mirrors, at }, state) {
      const to = mirrors.at(-1)!;
      await to.migrate(at, PAGE, 'device');
      if (isSettled(state)) expect(to.residency(at, PAGE)[0]! & RESIDENT_WRITABLE).toBe(RESIDENT_WRITABLE);
    },
    check: unchanged,
  },
  {
    name: 'exclusive use by a device',
    memories: EVERYWHERE,
    told: 'exclusive',
    async run({ mirrors, at }, state) {
      const pages = await mirrors.at(-1)!.exclusive(at, PAGE);
      if (isSettled(state)) expect(pages).toBe(1);
    },
    check: unchanged,
  },
  {
    name: 'clearing of accessed and dirty bits',
    memories: EVERYWHERE,
    told: 'soft-dirty',
    async run({ space, mirror, at }, state) {
      expect(space.written(at, PAGE)).toHaveLength(1);
      expect(space.written(at, PAGE)).toEqual([]);
      const { accessed, dirty } = await mirror.harvest(at, PAGE);
      if (!isSettled(state)) return;
      expect({ accessed, dirty }).toEqual({
        accessed: Number(state === 'read-only' || state === 'dirty'),
        dirty: Number(state === 'dirty'),
      });
      expect(await mirror.harvest(at, PAGE)).toMatchObject({ accessed: 0, dirty: 0 });
    },
    async check(place, { wrote }) {
      const { mirror, at } = place;
      is(await look(place, at), kept(wrote));
      await mirror.write(at, BY_DEVICE);
      expect(await mirror.harvest(at, PAGE)).toMatchObject({ accessed: 1, dirty: 1 });
      await unchanged(place, { wrote: true });
    },
  },
  {
    name: 'fork',
    memories: PRIVATE,
    async run(place) {
      place.child = await place.space.fork();
    },
    async check(place, outcome) {
      const child = await place.child!.read(place.at, PAGE);
      is(child, OLD, ...(outcome.wrote ? [BY_DEVICE] : []));
      await unchanged(place, outcome);
      expectBytes(await place.child!.read(place.at, PAGE), child);
    },
  },
  ...(['CPU', 'device'] as const).flatMap((by): Change[] => {
    const write = ({ space, mirror, at }: Place) =>
      (by === 'CPU' ? space : mirror).write(at, by === 'CPU' ? BY_CPU : OTHER);
    const written = by === 'CPU' ? BY_CPU : OTHER;
    return [
      {
        name: `copy on write after fork, by the ${by}`,
        memories: PRIVATE,
        told: 'clear',
        copiedOnWrite: true,
        async prepare(place) {
          place.child = await place.space.fork();
        },
        async run(place) {
          await write(place);
          expectOwnCopy(place);
        },
        async check(place, { wrote, racing }) {
          is(await look(place, place.at), written, ...(wrote && racing ? [BY_DEVICE] : []));
          expectBytes(await place.child!.read(place.at, PAGE), OLD);
        },
      },
      {
        name: `copy on write of a page of a file, by the ${by}`,
        memories: ['private file'],
        told: 'clear',
        copiedOnWrite: true,
        async prepare({ space, at }) {
          await space.dontNeed(at, PAGE);
          expectBytes(await space.read(at, PAGE), IN_FILE);
        },
        run: write,
        async check(place, { wrote, racing }) {
          is(await look(place, place.at), written, ...(wrote && racing ? [BY_DEVICE] : []));
          await expectInFile(place, IN_FILE);
        },
      },
    ];
  }),
];
