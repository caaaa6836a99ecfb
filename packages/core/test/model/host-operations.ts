import type { HostMigrationPolicy, HostMemory } from '@mirrorspace/core';
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

/**
 * Host memory that finds all its storage too sparse: a world is much smaller than what a compaction looks for. Frames are given out
 * again as soon as they are free, so a number that somebody forgot to change soon means another page.
 */
export function restless(host: HostMemory): HostMemory {
  const frames = new Set<number>();
  return new Proxy(host, {
    get(target, name) {
      if (name === 'allocate')
        return (count: number) => {
          const first = target.allocate(count);
          for (let i = 0; i < count; i++) frames.add(first + i);
          return first;
        };
      if (name === 'free')
        return (frame: number) => {
          target.free(frame);
          frames.delete(frame);
        };
      if (name === 'beginCompaction')
        return () => ({
          frames: Uint32Array.from(frames),
          take: () => {
            const frame = target.allocate(1);
            target.commit(frame, 1);
            frames.add(frame);
            return frame;
          },
          end: () => 0,
        });
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
