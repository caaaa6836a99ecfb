import { FLAG_IN_USE, FLAG_LOCKED, MirrorError, RESIDENT_DEVICE, RESIDENT_WRITABLE } from '@mirrorspace/core';
import { expect } from 'vitest';
import { PAGE } from '../../space/helpers.js';
import { BY_DEVICE, type Place } from './place.js';

/** What the device has of the page, or does with it, when the page changes. */
export const STATES = ['not mapped', 'read-only', 'writable', 'dirty', 'in flight', 'faulting'] as const;
export type State = (typeof STATES)[number];

/** Codes of accesses to what is gone, or may not be accessed any more. */
const GONE = ['ADDRESS_NOT_MAPPED', 'ACCESS_DENIED', 'IO', 'CLOSED'];
const MOST_TURNS = 1000;

/** What is still under way in a state; resolves to whether the device's write took effect. */
export type Settled = () => Promise<boolean>;

/** Whether the device's access goes on beside the change. */
export function isRacing(state: State): boolean {
  return state === 'faulting';
}

/** Brings the page into a state on the first device; a second one reads the page before, and while something is under way. */
export async function enter(place: Place, state: State): Promise<Settled> {
  const { mirrors, at } = place;
  const [, second] = mirrors;
  if (state !== 'not mapped') await second?.read(at, 4);
  const settled = await enterOn(place, state);
  const underWay = state === 'in flight' || state === 'faulting';
  const reading = underWay ? second?.read(at, 4).catch(expectGone) : undefined;
  return async () => {
    await reading;
    return settled();
  };
}

async function enterOn({ space, mirror, at, copiedOnWrite }: Place, state: State): Promise<Settled> {
  const nothing = () => Promise.resolve(false);
  if (state === 'not mapped') return nothing;
  if (state === 'read-only') {
    await mirror.read(at, 4);
    return nothing;
  }
  if (state === 'writable' && copiedOnWrite) {
    // Only a write gets a copy: of what is there, so that nothing changes; and then it was not written.
    await mirror.write(at, await mirror.read(at, PAGE));
    await mirror.harvest(at, PAGE);
    return nothing;
  }
  if (state === 'writable') {
    await mirror.prefetch(at, PAGE, { access: 'write' });
    return nothing;
  }
  if (state === 'dirty') {
    await mirror.write(at, BY_DEVICE);
    return () => Promise.resolve(true);
  }
  if (state === 'in flight') {
    // To be written it would be copied first, and then be another page.
    const copying = mirror.prefetch(at, PAGE, { access: copiedOnWrite ? 'read' : 'write' }).catch(expectGone);
    await turnsUntil(() => (space.pageFlags(at, PAGE)[0]! & FLAG_LOCKED) !== 0, 'the page is being copied');
    return async () => {
      await copying;
      return false;
    };
  }
  const writing = mirror.write(at, BY_DEVICE).then(
    () => true,
    (error: unknown) => expectGone(error) > 0,
  );
  await turnsUntil(() => mirror.device.faults.stalled > 0, 'the device faults');
  return () => writing;
}

/** Demands that the page is in a state at this moment. */
export function expectState({ space, mirror, at }: Place, state: State): void {
  const flags = space.pageFlags(at, PAGE)[0]!;
  const resident = mirror.residency(at, PAGE)[0]!;
  const found = {
    here: (resident & RESIDENT_DEVICE) !== 0,
    inUse: (flags & FLAG_IN_USE) !== 0,
    writable: (resident & RESIDENT_WRITABLE) !== 0,
    locked: (flags & FLAG_LOCKED) !== 0,
    stalled: mirror.device.faults.stalled > 0,
  };
  if (state === 'in flight') expect(found).toMatchObject({ locked: true, stalled: false });
  else if (state === 'faulting') expect(found).toMatchObject({ stalled: true });
  else {
    const here = state !== 'not mapped';
    const writable = state === 'writable' || state === 'dirty';
    expect(found).toMatchObject({ here, writable, locked: false, stalled: false });
  }
}

async function turnsUntil(condition: () => boolean, what: string): Promise<void> {
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    if (condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`after ${MOST_TURNS} turns it is still not true that ${what}`);
}

/** Lets errors pass that say that the page is gone. */
function expectGone(error: unknown): number {
  if (error instanceof MirrorError && GONE.includes(error.code)) return 0;
  throw error;
}
