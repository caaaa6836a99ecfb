import type { PlainObject } from './plain.js';
import { agree, memberOf, type Scene } from './scene.js';
import { outcomeOf } from './world.js';

/**
 * Makes a file shorter, looks behind its end, and makes it as long as it was: what was there must be zeros then. Whoever uses a file
 * at the same time could not be told from the model, so there must be nobody else.
 */
export interface TruncateOperation {
  readonly kind: 'truncate';
  readonly member: number;
  readonly file: number;
  /** Length, in half pages. */
  readonly halves: number;
}

export async function truncate(scene: Scene, op: TruncateOperation): Promise<void> {
  if (!scene.alone) return;
  const { world } = scene;
  const file = scene.files[op.file % scene.files.length]!;
  const object = world.objects[file]!;
  const asked = Math.min(object.size, (op.halves * object.pageSize) / 2);
  // A private copy keeps what it has of the last page, and pages brought ahead for writing may be copies that the model knows nothing of.
  const isPrivate = scene.members.some(({ plain }) =>
    plain.regions.some((region) => region.object === object && !region.shared),
  );
  const size = isPrivate ? Math.min(object.size, Math.ceil(asked / object.pageSize) * object.pageSize) : asked;
  const { space } = memberOf(scene, op.member);
  agree('truncate', await outcomeOf(() => space.truncate(world.sources[file]!, size)), undefined);
  const end = Math.ceil(size / object.pageSize);
  object.clear(size);
  for (const { plain } of scene.members)
    for (const { own, objectPage, ...region } of plain.regions)
      if (region.object === object) own.fill(undefined, Math.max(0, end - objectPage));
  await lookBehind(scene, object, end);
  world.restore(file);
}

/** The first page of each region that lies behind the end must not be there, for the CPU and for devices. */
async function lookBehind(scene: Scene, object: PlainObject, end: number): Promise<void> {
  for (const { space, plain, mirrors } of scene.members) {
    for (const region of plain.regions) {
      const address = region.start + Math.max(0, end - region.objectPage) * plain.pageSize;
      if (region.object !== object || address >= region.end) continue;
      const expected = region.access === 'none' ? 'ACCESS_DENIED' : 'IO';
      for (const who of [space, ...mirrors])
        if (who !== undefined) agree('read behind the end', await outcomeOf(() => who.read(address, 4)), expected);
    }
  }
}
