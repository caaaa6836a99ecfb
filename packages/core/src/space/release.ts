import type { MemoryObject } from './memory-object.js';
import type { SpaceState } from './state.js';

/**
 * Flushes what was unmapped, then releases the objects that lost a region. All are released even if one fails; those whose
 * pages could not be written back keep them dirty and are remembered: `sync` and `close` try again.
 * @throws MirrorError the first failure
 */
export async function releaseObjects(space: SpaceState, objects: readonly MemoryObject[]): Promise<void> {
  const failures: unknown[] = [];
  await space.flush().catch((error: unknown) => failures.push(error));
  for (const object of objects) {
    await object.release().catch((error: unknown) => {
      space.unsaved.add(object);
      failures.push(error);
    });
  }
  if (failures.length > 0) throw failures[0] as Error;
}

/** Tries again to write back what could not be written when it was unmapped. @throws MirrorError `IO`; it is tried again next time */
export async function retryUnsaved(space: SpaceState): Promise<void> {
  for (const object of Array.from(space.unsaved)) {
    await object.settle();
    space.unsaved.delete(object);
  }
}
