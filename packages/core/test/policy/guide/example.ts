import { type EvictionPolicy, FRAME_BLOCKED, type PolicySet, type PrefetchPolicy } from '@mirrorspace/core';

/** Gives up what was filled last: of a loop that does not fit, all but one page stays. */
class NewestFirst implements EvictionPolicy {
  readonly name = 'newest-first';
  private readonly frames: number[] = [];
  readonly bytes = 0;
  get size(): number {
    return this.frames.length;
  }
  insert(ids: Uint32Array, count: number): void {
    for (const id of ids.subarray(0, count)) if (!this.frames.includes(id)) this.frames.push(id);
  }
  touch(): void {}
  remove(ids: Uint32Array, count: number): void {
    for (const id of ids.subarray(0, count))
      if (this.frames.includes(id)) this.frames.splice(this.frames.indexOf(id), 1);
  }
  victims(out: Uint32Array, count: number, flags: Uint8Array): number {
    let taken = 0;
    for (let i = this.frames.length - 1; i >= 0 && taken < count; i--)
      if ((flags[this.frames[i]!]! & FRAME_BLOCKED) === 0) out[taken++] = this.frames.splice(i, 1)[0]!;
    return taken;
  }
}

const nothingAhead: PrefetchPolicy = { name: 'none', plan: () => 0 };

export const mine: PolicySet = {
  eviction: () => new NewestFirst(),
  prefetch: () => nothingAhead,
  placement: 'on-touch',
};
