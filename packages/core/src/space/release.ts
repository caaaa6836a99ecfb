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
    await object.release(space).catch((error: unknown) => {
      space.unsaved.add(object);
      failures.push(error);
    });
  }
  // Pages that died with their object leave the devices, too.
  if (objects.length > 0) await space.flush().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0] as Error;
}

/**
 * Ends the CPU's holds on objects, synchronously. One that nothing else refers to any more is written back by itself; until that
 * is done, `sync` and `close` wait for it, and say so if it fails.
 */
export function unholdObjects(space: SpaceState, objects: readonly MemoryObject[]): void {
  for (const object of objects) {
    if (!object.unhold()) continue;
    space.unsaved.add(object);
    object.settle(space).then(
      () => space.unsaved.delete(object),
      () => undefined,
    );
  }
}

/** Tries again to write back what could not be written when it was unmapped. @throws MirrorError `IO`, `DEVICE_TIMEOUT`; it is tried again next time */
export async function retryUnsaved(space: SpaceState): Promise<void> {
  for (const object of Array.from(space.unsaved)) {
    await object.settle(space);
    space.unsaved.delete(object);
  }
}
