import { FLAG_SHARED, type NotifierEventKind } from '@mirrorspace/core';
import { expect } from 'vitest';
import { expectBytes, PAGE } from '../../space/helpers.js';
import { BY_CPU, BY_DEVICE, is, look, type Memory, OLD, OTHER, type Place, THE_PAGE } from './place.js';
import type { State } from './states.js';

/** What the device did. */
export interface Outcome {
  readonly state: State;
  /** Its write took effect. */
  readonly wrote: boolean;
  /** It went on beside the change. */
  readonly racing: boolean;
}

/** A change of CPU page-table entries. */
export interface Change {
  readonly name: string;
  /** In which kinds of memory. */
  readonly memories: readonly Memory[];
  /** How notifiers are told; absent where no entry changes. */
  readonly told?: NotifierEventKind;
  readonly mergeable?: boolean;
  readonly copiedOnWrite?: boolean;
  /** What comes before the device is brought into a state. */
  prepare?(place: Place): Promise<void>;
  /** Makes the change, and demands that it happened. */
  run(place: Place, state: State): Promise<void>;
  /** What must be true afterwards. */
  check(place: Place, outcome: Outcome): Promise<void>;
}

export const EVERYWHERE: readonly Memory[] = ['anonymous', 'shared file', 'private file'];
export const PRIVATE: readonly Memory[] = ['anonymous', 'private file'];
export const ANONYMOUS: readonly Memory[] = ['anonymous'];

/** Content of a page that the device may have written. */
export const kept = (wrote: boolean) => (wrote ? BY_DEVICE : OLD);

/** Whether nothing is under way in a state, so that it is certain what the change meets. */
export function isSettled(state: State): boolean {
  return state !== 'in flight' && state !== 'faulting';
}

/** The flags of the page. */
export function flagsOf({ space, at }: Place): number {
  return space.pageFlags(at, PAGE)[0]!;
}

/** The bytes of the page's place in the file. */
export function inFile({ source }: Place): Uint8Array {
  return source.bytes.subarray(THE_PAGE * PAGE, (THE_PAGE + 1) * PAGE);
}

/** What the file has, as a region of its own shows it to all, and afterwards the file itself. */
export async function expectInFile(place: Place, expected: Uint8Array): Promise<void> {
  const { space, source } = place;
  const again = space.map({ bytes: PAGE, source, offset: THE_PAGE * PAGE, share: 'shared' });
  is(await look(place, again.address), expected);
  await space.sync(again.address, PAGE);
  expectBytes(inFile(place), expected);
}

/** For changes that leave contents as they are. */
export async function unchanged(place: Place, { wrote }: Pick<Outcome, 'wrote'>): Promise<void> {
  is(await look(place, place.at), kept(wrote));
  // And nothing stale comes up when either side goes on.
  await place.mirror.write(place.at, OTHER);
  is(await look(place, place.at), OTHER);
  await place.space.write(place.at, BY_CPU);
  is(await look(place, place.at), BY_CPU);
  if (place.memory === 'shared file') await expectInFile(place, BY_CPU);
}

/** Demands that no other entry shows the page any more. */
export function expectOwnCopy(place: Place): void {
  expect(flagsOf(place) & FLAG_SHARED).toBe(0);
}
