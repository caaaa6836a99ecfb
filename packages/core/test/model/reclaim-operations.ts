import { agree, agreeOnCount, type Place, type Scene, spanOf } from './scene.js';
import { outcomeOf } from './world.js';

/** Pages leave host memory: those of a range, or the coldest. */
export interface ReclaimOperation {
  readonly kind: 'pageOut' | 'reclaim';
  readonly place: Place;
}

export async function reclaim(scene: Scene, op: ReclaimOperation): Promise<void> {
  const { member, plain, start, bytes } = spanOf(scene, op.place);
  const { space } = member;
  const range = plain.widen(start, bytes);
  if (op.kind === 'reclaim') {
    const freed = agree('reclaim', await outcomeOf(() => space.reclaim(bytes)), undefined)!;
    agreeOnCount('reclaim', freed / plain.pageSize, Math.ceil(bytes / plain.pageSize));
    return;
  }
  const freed = agree(
    'pageOut',
    await outcomeOf(() => space.pageOut(start, bytes)),
    plain.hole(range.start, range.end),
  );
  if (freed !== undefined) agreeOnCount('pageOut', freed / plain.pageSize, (range.end - range.start) / plain.pageSize);
}
