import { BIT_ACCESSED, BIT_DIRTY } from '@mirrorspace/core/driver';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PageTable } from '../src/table.js';
import { copyIn, hostFrames, PAGE, Rig, RO, RW } from './helpers.js';

const PAGES = 40;
const FRAMES = 16;

/** Page table and TLB of one page size, as simply as they can be put. */
class Model {
  readonly table = new Map<number, { frame: number; access: number; accessed: boolean; dirty: boolean }>();
  /** Translations in use since the last flush of their page; `recorded`: a store need not look at the table. */
  readonly cached = new Map<number, { frame: number; noted: boolean; recorded: boolean }>();
  readonly content = Array.from({ length: FRAMES }, (_, frame) => frame + 1);

  read(page: number): number | undefined {
    const entry = this.table.get(page);
    const hit = this.cached.get(page);
    if (hit === undefined && entry === undefined) return undefined;
    if (hit?.noted !== true && entry !== undefined && (hit === undefined || hit.frame === entry.frame)) {
      entry.accessed = true;
      this.cached.set(page, { frame: entry.frame, noted: true, recorded: hit?.recorded ?? false });
    }
    return this.content[this.cached.get(page)!.frame];
  }

  write(page: number, value: number): boolean {
    const hit = this.cached.get(page);
    if (hit?.recorded !== true) {
      const entry = this.table.get(page);
      if (entry?.access !== RW) return false;
      entry.accessed = entry.dirty = true;
      this.cached.set(page, { frame: entry.frame, noted: true, recorded: true });
    }
    this.content[this.cached.get(page)!.frame] = value;
    return true;
  }

  bits(page: number): number {
    const entry = this.table.get(page);
    return entry === undefined ? 0 : (entry.accessed ? BIT_ACCESSED : 0) | (entry.dirty ? BIT_DIRTY : 0);
  }

  harvest(page: number): number {
    const bits = this.bits(page);
    const entry = this.table.get(page);
    if (bits === 0 || entry === undefined) return bits;
    entry.accessed = entry.dirty = false;
    const hit = this.cached.get(page);
    if (hit !== undefined) hit.noted = hit.recorded = false;
    return bits;
  }
}

const page = fc.integer({ min: 0, max: PAGES - 1 });
const step = fc.oneof(
  fc.record({
    do: fc.constant('map'),
    page,
    frame: fc.integer({ min: 0, max: FRAMES - 1 }),
    access: fc.constantFrom(RO, RW),
  }),
  fc.record({
    do: fc.constantFrom('unmap', 'flush', 'harvest', 'read', 'write', 'flushAll'),
    page,
    frame: fc.nat(250),
    access: fc.constantFrom(RO, RW),
  }),
);

describe('page table and TLB', () => {
  it('behave as a Map with stale entries does, whatever is done to them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 120 }),
        fc.constantFrom(0, 2 ** 31, 2 ** 35 - PAGES),
        async (steps, base) => {
          const rig = await Rig.open({
            features: ['dirty-bits', 'accessed-bits', 'read-only-maps', 'queues'],
            pageSizes: [PAGE],
          });
          const model = new Model();
          const host = hostFrames(FRAMES);
          for (let f = 0; f < FRAMES; f++) host.bytes.fill(f + 1, f * PAGE, f * PAGE + PAGE);
          const all = Array.from({ length: FRAMES }, (_, f) => f);
          rig.paging.submit([copyIn(host, all, all)]);
          for (const { do: what, page, frame, access } of steps) {
            const at = base + page;
            if (what === 'map') {
              rig.paging.submit([rig.map([at], [frame], access)]);
              model.table.set(page, { frame, access, accessed: false, dirty: false });
            } else if (what === 'unmap') {
              const unmap = rig.unmap([at]);
              rig.paging.submit([unmap]);
              expect(unmap.bits[0]).toBe(model.bits(page));
              model.table.delete(page);
            } else if (what === 'harvest') {
              const harvest = rig.harvest([at]);
              rig.paging.submit([harvest]);
              expect(harvest.bits[0]).toBe(model.harvest(page));
            } else if (what === 'flush') {
              rig.paging.submit([rig.flush([at])]);
              model.cached.delete(page);
            } else if (what === 'flushAll') {
              rig.paging.submit([rig.flush()]);
              model.cached.clear();
            } else if (what === 'read') {
              const read = rig.read(at * PAGE + 17, 1);
              const fence = rig.user.submit([read]);
              expect(fence.signaled ? read.into[0] : undefined).toBe(model.read(page));
            } else {
              const fence = rig.user.submit([rig.fill(at * PAGE, PAGE, frame)]);
              expect(fence.signaled).toBe(model.write(page, frame));
            }
          }
          await rig.device.close();
        },
      ),
      { numRuns: 200 },
    );
  });

  it('translates through the size an entry has, and refuses entries of two sizes over each other', async () => {
    const rig = await Rig.open({ memory: '4 MiB', pageSizes: [4096, 65_536, 2 ** 21] });
    const big = 2 ** 21;
    rig.paging.submit([rig.map([3], [1], RW, big), rig.map([5], [3], RW, 65_536), rig.map([200], [0])]);
    rig.user.submit([
      rig.fill(3 * big + 5 * PAGE, 8, 0x11),
      rig.fill(5 * 65_536 + 2 * PAGE, 8, 0x22),
      rig.fill(200 * PAGE, 8, 0x33),
    ]);
    const host = hostFrames(3);
    const frames = [512 + 5, 3 * 16 + 2, 0];
    const out = { ...copyIn(host, [0, 1, 2], frames), kind: 'copyOut' } as const;
    expect(rig.paging.submit([out]).signaled).toBe(true);
    expect([host.bytes[0], host.bytes[PAGE], host.bytes[2 * PAGE]]).toEqual([0x11, 0x22, 0x33]);
    expect(rig.paging.submit([rig.map([3 * 512 + 7], [9])]).error?.code).toBe('INVALID_ARGUMENT');
    expect(rig.paging.submit([rig.map([0], [0], RW, big)]).error?.code).toBe('INVALID_ARGUMENT');
    const unmap = rig.unmap([3], big);
    rig.paging.submit([unmap, rig.flush([3], big), rig.map([3 * 512 + 7], [9])]);
    expect(unmap.bits[0]).toBe(BIT_ACCESSED | BIT_DIRTY);
    expect(rig.user.submit([rig.read(3 * big + 7 * PAGE, 4)]).signaled).toBe(true);
    expect(rig.user.submit([rig.read(3 * big + 5 * PAGE, 4)]).signaled).toBe(false);
  });

  it('holds many scattered pages, and lets go of those that are unmapped', async () => {
    const rig = await Rig.open({ memory: 2048 * PAGE });
    const frames = Array.from({ length: 2048 }, (_, i) => i);
    const host = hostFrames(2048);
    for (const round of [0, 1, 2]) {
      const pages = frames.map((i) => (i * 7919 + round * 104_729) * 5);
      rig.paging.submit([rig.map(pages, frames)]);
      rig.user.submit([rig.launch((ctx, { x }) => ctx.store32(pages[x]! * PAGE, x + 1), 2048)]);
      const unmap = rig.unmap(pages);
      rig.paging.submit([unmap, rig.flush(), { ...copyIn(host, frames, frames), kind: 'copyOut' }]);
      expect(unmap.bits.every((bits) => bits === (BIT_ACCESSED | BIT_DIRTY))).toBe(true);
      const words = new Uint32Array(host.bytes.buffer);
      expect(frames.every((i) => words[(i * PAGE) / 4] === i + 1)).toBe(true);
      rig.paging.submit([rig.harvest(pages), unmap]);
      expect(unmap.bits.every((bits) => bits === 0)).toBe(true);
    }
  });

  it('takes at most 16 bytes a page of a dense map', () => {
    const table = new PageTable([PAGE]);
    const level = table.level(PAGE);
    let worst = 0;
    for (let page = 1000; page < 101_000; page++) {
      const slot = level.ensureSlot(page);
      level.entries[slot] = 1;
      if (page > 2000) worst = Math.max(worst, table.bytes / (page - 999));
    }
    expect(worst).toBeLessThanOrEqual(16);
  });

  it('costs nothing for memory that was never written', async () => {
    const rig = await Rig.open({ memory: '64 GiB' });
    const last = (64 * 2 ** 30) / PAGE - 1;
    rig.paging.submit([rig.map([0], [last])]);
    const read = rig.read(0, 4);
    expect(rig.user.submit([read]).signaled).toBe(true);
    rig.user.submit([rig.fill(0, 4, 7), read]);
    expect([...read.into]).toEqual([7, 7, 7, 7]);
  });
});
