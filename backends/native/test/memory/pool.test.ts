import { describe, expect, it } from 'vitest';
import { nativeMemory } from '../../src/index.js';

describe.each([4096, 65_536, 2 << 20])('frames of %i bytes', (pageSize) => {
  it('hold what is put in, are zeros after `zero`, and go back', () => {
    const memory = nativeMemory({ pageSize });
    const bytesOf = (frame: number) =>
      memory.bufferOf(frame).subarray(memory.offsetOf(frame), memory.offsetOf(frame) + pageSize);
    const kept = new Map<number, number>();
    let random = 1;
    const next = (below: number) => {
      random = (random * 1103515245 + 12345) % 2 ** 31;
      return Math.floor((random / 2 ** 31) * below);
    };
    const most = Math.max(8, (8 << 20) / pageSize);
    for (let step = 0; step < 600; step++) {
      const count = 1 + next(step % 10 === 0 ? most / 4 : 3);
      if (kept.size + count <= most) {
        const first = memory.allocate(count);
        memory.commit(first, count);
        for (let frame = first; frame < first + count; frame++) {
          expect(kept.has(frame)).toBe(false);
          memory.zero(frame);
          const bytes = bytesOf(frame);
          expect([bytes[0], bytes[pageSize >> 1], bytes[pageSize - 1]]).toEqual([0, 0, 0]);
          bytes.fill(frame % 251, 0, 8);
          bytes[pageSize >> 1] = bytes[pageSize - 1] = frame % 251;
          kept.set(frame, frame % 251);
        }
      } else {
        const frames = [...kept.keys()];
        for (let i = 0; i < frames.length / 2; i++) {
          const frame = frames[next(frames.length)]!;
          if (!kept.delete(frame)) continue;
          memory.free(frame);
          expect(() => memory.free(frame)).toThrow(RangeError);
        }
      }
      expect(memory.used).toBe(kept.size);
    }
    for (const [frame, value] of kept) {
      expect([bytesOf(frame)[3], bytesOf(frame)[pageSize - 1]]).toEqual([value, value]);
      memory.free(frame);
    }
    // What is not the pool's any more begins as zeros.
    const range = memory.live.open(most);
    const array = new Uint8Array(range.buffer(0, most * pageSize, false));
    for (let at = 0; at < array.length; at += pageSize >> 1)
      if (array[at] !== 0) throw new Error(`${array[at]} at ${at}`);
    range.close();
    expect(memory.used).toBe(0);
  });

  it('are never those of live ranges, whichever come first and go', () => {
    const memory = nativeMemory({ pageSize });
    const owners = new Map<number, string>();
    const own = (first: number, count: number, who: string) => {
      for (let frame = first; frame < first + count; frame++) {
        expect(`${frame} of ${owners.get(frame)}`).toBe(`${frame} of undefined`);
        owners.set(frame, who);
      }
    };
    const open = (count: number) => {
      const range = memory.live.open(count);
      own(range.first, count, `a range of ${count}`);
      return range;
    };
    const ranges = [open(3)];
    for (let round = 1; round < 40; round++) {
      own(memory.allocate(1), 1, 'the pool');
      own(memory.allocate(round), round, 'the pool');
      ranges.push(open((round * 7) % 300 || 1));
      if (round % 3 > 0) continue;
      const [gone] = ranges.splice((round * 5) % ranges.length, 1);
      for (let i = 0; i < gone!.count; i++) owners.delete(gone!.first + i);
      gone!.close();
    }
    for (const range of ranges) range.close();
  });

  it('lie together where they follow each other', () => {
    const memory = nativeMemory({ pageSize });
    const count = (16 << 20) / pageSize;
    const first = memory.allocate(count);
    const view = memory.view(first, count)!;
    expect(view.length).toBe(16 << 20);
    view[view.length - 1] = 3;
    expect(memory.bufferOf(first + count - 1)[memory.offsetOf(first + count - 1) + pageSize - 1]).toBe(3);
  });
});

describe('the limit', () => {
  it('refuses what is beyond it, and takes nothing', () => {
    const memory = nativeMemory({ limit: 10 * 4096 });
    const first = memory.allocate(8);
    expect(() => memory.allocate(3)).toThrow(expect.objectContaining({ code: 'OUT_OF_HOST_MEMORY' }) as Error);
    expect(memory.used).toBe(8);
    memory.free(first);
    memory.allocate(3);
    for (const count of [0, 1.5, -1]) expect(() => memory.allocate(count)).toThrow(RangeError);
    expect(() => memory.free('x' as never)).toThrow(TypeError);
  });

  it('is not the numbers that are left: those of ranges that went are given out again', () => {
    const memory = nativeMemory();
    const firsts = new Set<number>();
    for (let round = 0; round < 6; round++) {
      const first = memory.allocate(2 ** 15);
      firsts.add(first);
      for (let frame = first; frame < first + 2 ** 15; frame++) memory.free(frame);
    }
    expect(Math.max(...firsts)).toBeLessThan(2 ** 16);
  });
});
