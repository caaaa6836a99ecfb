import type { HostMemory } from '@mirrorspace/core';

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
