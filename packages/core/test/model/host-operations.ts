import type { HostMigrationPolicy } from '@mirrorspace/core';
import { agree, type Place, type Scene, spanOf } from './scene.js';
import { outcomeOf } from './world.js';

/** Moves pages to other host frames: all there are, or those of a range. Contents stay. */
export interface HostOperation {
  readonly kind: 'compact' | 'relocate';
  readonly place: Place;
  readonly policy: HostMigrationPolicy;
}

export async function moveOnHost(scene: Scene, op: HostOperation): Promise<void> {
  const { member, plain, start, bytes } = spanOf(scene, op.place);
  const options = { devicePages: op.policy };
  if (op.kind === 'compact') {
    agree('compact', await outcomeOf(() => member.space.compact(options)), undefined);
    return;
  }
  const range = plain.widen(start, bytes);
  const hole = plain.hole(range.start, range.end);
  const result = agree('relocate', await outcomeOf(() => member.space.relocate(start, bytes, options)), hole);
  if (result === undefined || !scene.alone) return;
  const pages = (range.end - range.start) / plain.pageSize;
  if (result.moved + result.refused > pages)
    throw new Error(`relocate: more than ${pages} pages: ${JSON.stringify(result)}`);
}
