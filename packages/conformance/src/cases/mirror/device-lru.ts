import { FLAG_ACCESSED, FLAG_IN_USE, FLAG_OWNED, FLAG_SWAPPED } from '@mirrorspace/core';
import { defineCases } from '../../case.js';
import type { Env } from '../../env.js';
import { bytesEqual, deepEqual, equal, ok } from '../../check.js';
import { pattern } from '../../frames.js';
import type { PageSpan } from '../../page-span.js';
import { ON_DEVICE, ON_HOST, SpaceRig, type SpaceRigOptions, SWAPPED } from '../../space-rig.js';
import { pageOut, places, reclaimAll } from '../../swapping.js';
import { wgslAt } from '../../units.js';
import { wasmAdd, wasmAt } from '../../wasm-text.js';

/** Both forms that the 2014 RFC names. */
const forms = { lists: ['device', 'global'] };
/** Where no page but those of the case is in host memory. */
const alone = ['plain', 'small', 'second', 'pair'] as const;

function open(env: Env, options: SpaceRigOptions = {}): Promise<SpaceRig> {
  return SpaceRig.open(env, { eviction: 'lru', ...options, reclaim: { lists: env.params['lists'] as 'device' } });
}

/** Pages with contents, all on the device. */
async function onDevice(t: SpaceRig, pages: number): Promise<PageSpan> {
  const area = await t.map({ pages });
  for (let page = 0; page < pages; page++) await t.space.write(area.at(page), pattern(page, 64));
  await t.mirror.prefetch(area.address, area.bytes);
  return area;
}

async function expectAll(area: PageSpan): Promise<void> {
  for (let page = 0; page < area.pages; page++) await area.expect(page, pattern(page, 64), `page ${page}`);
}

/** The special LRU of the 2014 RFC: pages in use by devices stand apart, and leave the devices before host memory. */
export const deviceLru = defineCases({ level: 'mirror', area: 'device-lru', needs: ['mmu:managed'] }, [
  {
    name: 'in-use-stands-apart',
    rule: 'R5: pages in use by a device stand on its list, and not on the one that reclaim takes from',
    mend: 'nothing: this is what core does of itself',
    cross: forms,
    async run(env) {
      const t = await open(env);
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.space.write(area.at(page), pattern(page, 64));
      const before = t.space.memory;
      await t.mirror.read(area.at(0), 64);
      await t.mirror.write(area.at(1), pattern(1, 64));
      const during = t.space.memory;
      deepEqual(
        [during.inUse - before.inUse, before.ordinary - during.ordinary],
        [2 * t.pageSize, 2 * t.pageSize],
        'bytes that went from one list to the other',
      );
      await t.mirror.migrate(area.address, area.bytes, 'host');
      const after = t.space.memory;
      deepEqual([after.inUse, after.ordinary], [before.inUse, before.ordinary], 'bytes on both lists in the end');
      await expectAll(area);
    },
  },
  {
    name: 'off-the-device-first',
    rule: 'R1, R2: what leaves host memory left the device first, with what was written',
    mend: 'unmap, flushTlb and copyOut in one submission, in this order',
    cross: { ...forms, access: ['read', 'write'] },
    async run(env) {
      const t = await open(env);
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.space.write(area.at(page), pattern(page, 64));
      for (let round = 0; round < 3; round++) {
        for (let page = 0; page < 4; page++) {
          if (env.params['access'] === 'read') await area.expectDevice(page, pattern(page, 64), `page ${page}`);
          else await t.mirror.write(area.at(page, 64 + 16 * round), pattern(20 + page + round, 16));
        }
        const { takenOffDevices } = t.space.memory.stats;
        await reclaimAll(t, area);
        ok(t.space.memory.stats.takenOffDevices - takenOffDevices >= 4, 'pages were taken off the device');
        deepEqual(places(t, area), [SWAPPED, SWAPPED, SWAPPED, SWAPPED], 'where the pages are');
        if (env.params['access'] === 'read') continue;
        for (let page = 0; page < 4; page++)
          await area.expect(page, pattern(20 + page + round, 16), `store ${round} to page ${page}`, 64 + 16 * round);
      }
      await expectAll(area);
    },
  },
  {
    name: 'used-since-stays',
    rule: 'HarvestCommand: BIT_ACCESSED: what the device used since it was last asked stays, and the rest leaves',
    mend: 'report BIT_ACCESSED for what was accessed, and clear it',
    needs: ['accessed-bits'],
    variants: alone,
    cross: forms,
    async run(env) {
      const t = await open(env);
      const area = await onDevice(t, 4);
      await t.mirror.harvest(area.address, area.bytes);
      for (const page of [0, 2]) await t.mirror.read(area.at(page), 8);
      equal(await t.space.reclaim(2 * t.pageSize), 2 * t.pageSize, 'bytes freed');
      const there = ON_HOST | ON_DEVICE;
      deepEqual(places(t, area), [there, SWAPPED, there, SWAPPED], 'where the pages are');
      await expectAll(area);
    },
  },
  {
    name: 'marked-stays',
    rule: 'Mirror.markAccessed: what a driver says is in use stays, and the rest leaves',
    mend: 'nothing: the device is not asked',
    variants: alone,
    cross: forms,
    async run(env) {
      const t = await open(env);
      const area = await onDevice(t, 4);
      await t.mirror.harvest(area.address, area.bytes);
      equal(t.mirror.markAccessed(area.at(1), 2 * t.pageSize), 2, 'pages on the device');
      equal(await t.space.reclaim(2 * t.pageSize), 2 * t.pageSize, 'bytes freed');
      const there = ON_HOST | ON_DEVICE;
      deepEqual(places(t, area), [SWAPPED, there, there, SWAPPED], 'where the pages are');
      await expectAll(area);
    },
  },
  {
    name: 'marked-is-not-evicted',
    rule: 'Mirror.markAccessed: the device evicts others first',
    mend: 'nothing: the device is not asked',
    needs: ['frames:8'],
    variants: ['plain', 'small', 'subrange'],
    cross: { eviction: ['lru', 'clock'] },
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 8, eviction: env.params['eviction'] as 'lru' });
      const area = await t.map({ pages: 16 });
      for (let page = 0; page < 8; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      // With the first eviction, clock forgets who was just filled.
      await t.mirror.write(area.at(8), pattern(8, 64));
      const marked = [2, 3].filter((page) => (places(t, area)[page]! & ON_DEVICE) !== 0);
      ok(marked.length > 0, 'a page to mark is on the device');
      for (const page of marked) t.mirror.markAccessed(area.at(page), t.pageSize);
      for (let page = 9; page < 13; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      const there = places(t, area);
      for (const page of marked) ok((there[page]! & ON_DEVICE) !== 0, `page ${page}, which was marked, is there`);
      for (let page = 0; page < 13; page++) await area.expectCpu(page, pattern(page, 64), `page ${page}`);
    },
  },
  {
    name: 'pinned-stays',
    rule: 'Advice.pin: a page that is pinned to a device is not taken off it, however little memory there is',
    mend: 'nothing: the device is not asked',
    cross: forms,
    async run(env) {
      const t = await open(env);
      const area = await onDevice(t, 4);
      await t.space.advise(area.at(1), 2 * t.pageSize, { pin: t.mirror });
      for (let i = 0; i < 3; i++) await t.space.reclaim(64 * t.pageSize);
      const there = places(t, area);
      for (const page of [1, 2]) ok((there[page]! & ON_DEVICE) !== 0, `page ${page}, which is pinned, is there`);
      await expectAll(area);
      await t.space.advise(area.at(1), 2 * t.pageSize, { pin: null });
      await reclaimAll(t, area);
      await expectAll(area);
    },
  },
  {
    name: 'shared-by-two-devices',
    rule: 'R2, R3: pages that two devices use leave both, and come back to either',
    mend: 'share no state between devices',
    cross: forms,
    async run(env) {
      const t = await open(env);
      const other = await t.attachAnother();
      const area = await onDevice(t, 4);
      for (let round = 0; round < 2; round++) {
        for (let page = 0; page < 4; page++)
          bytesEqual(await other.read(area.at(page), 64), pattern(page, 64), `page ${page} on the other device`);
        await other.write(area.at(round, 64), pattern(20 + round, 64));
        await reclaimAll(t, area);
        const there = other.residency(area.address, area.bytes);
        ok(
          there.every((at) => (at & ON_DEVICE) === 0),
          'the other device has none of the pages',
        );
        await area.expect(round, pattern(20 + round, 64), `what the other device wrote in round ${round}`, 64);
        await expectAll(area);
      }
    },
  },
  {
    name: 'warm-on-either',
    rule: 'HarvestCommand: BIT_ACCESSED: a page that one of two devices uses stays on both',
    mend: 'report BIT_ACCESSED for what was accessed, and clear it',
    needs: ['accessed-bits'],
    variants: ['plain', 'small', 'second'],
    cross: forms,
    async run(env) {
      const t = await open(env);
      const other = await t.attachAnother();
      const area = await onDevice(t, 4);
      await other.prefetch(area.address, area.bytes);
      for (const mirror of [t.mirror, other]) await mirror.harvest(area.address, area.bytes);
      await t.mirror.read(area.at(0), 8);
      await other.read(area.at(3), 8);
      equal(await t.space.reclaim(2 * t.pageSize), 2 * t.pageSize, 'bytes freed');
      const there = ON_HOST | ON_DEVICE;
      for (const mirror of [t.mirror, other]) {
        deepEqual(
          Array.from(mirror.residency(area.address, area.bytes)),
          [there, SWAPPED, SWAPPED, there],
          'where the pages are',
        );
      }
      await expectAll(area);
    },
  },
  {
    name: 'one-order-for-all',
    rule: 'ReclaimOptions.lists: on the global list the page that any device used last leaves last',
    mend: 'nothing: this is what core does of itself',
    variants: ['plain', 'small', 'second'],
    async run(env) {
      const t = await SpaceRig.open(env, { reclaim: { lists: 'global' } });
      const other = await t.attachAnother();
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.space.write(area.at(page), pattern(page, 64));
      await t.mirror.prefetch(area.address, 2 * t.pageSize);
      await other.prefetch(area.at(2), 2 * t.pageSize);
      for (const mirror of [t.mirror, other]) await mirror.harvest(area.address, area.bytes);
      // Warm to cold: 1, 3, 0, 2.
      other.markAccessed(area.at(2), t.pageSize);
      t.mirror.markAccessed(area.at(0), t.pageSize);
      other.markAccessed(area.at(3), t.pageSize);
      t.mirror.markAccessed(area.at(1), t.pageSize);
      for (const [i, gone] of [[2], [0, 2], [0, 2, 3]].entries()) {
        equal(await t.space.reclaim(t.pageSize), t.pageSize, `bytes freed by call ${i}`);
        const swapped = places(t, area).flatMap((at, page) => (at === SWAPPED ? [page] : []));
        deepEqual(swapped, gone, `pages that are away after call ${i}`);
      }
      await expectAll(area);
    },
  },
  {
    name: 'a-busy-device-goes-on',
    rule: 'R7, R8: a program whose pages are taken off the device time and again ends',
    mend: 'let stalled units report their faults again on every replay',
    tags: ['igt:evict', 'igt:race'],
    needs: ['program', 'atomics'],
    cross: forms,
    async run(env) {
      const t = await open(env, { frames: 8 });
      const area = await onDevice(t, 6);
      for (let page = 0; page < 6; page++) await t.space.write(area.at(page, 64), new Uint8Array(4));
      const program = t.program({
        js(ctx, { x }, [at = 0, size = 0]) {
          ctx.atomicAdd(at + (x % 6) * size, 1);
          ctx.atomicAdd(at + ((x + 1) % 6) * size, 1);
        },
        wgsl: `
          _ = atomicAdd_u32(${wgslAt('unit.id.x % 6u')}, 1u);
          _ = atomicAdd_u32(${wgslAt('(unit.id.x + 1u) % 6u')}, 1u);`,
        wasm: `
          ${wasmAdd(wasmAt('(i32.rem_u (local.get $x) (i32.const 6))'))}
          ${wasmAdd(wasmAt('(i32.rem_u (i32.add (local.get $x) (i32.const 1)) (i32.const 6))'))}`,
      });
      const args = [area.at(0, 64), t.pageSize];
      const fence = t.mirror.launch(program, { args, grid: [60] });
      for (let i = 0; i < 40 && !fence.signaled && fence.error === undefined; i++)
        await t.space.reclaim(2 * t.pageSize);
      await fence.wait({ timeoutMs: env.waitMs });
      for (let page = 0; page < 6; page++)
        await area.expectCpu(page, Uint8Array.of(20, 0, 0, 0), `additions to page ${page}`, 64);
      await expectAll(area);
    },
  },
  {
    name: 'page-flag',
    rule: 'Space.pageFlags, Space.devicesWith: the page flag says which pages are in use by a device, and by which, at any time',
    mend: 'what a device was told to give up must be given up when the fence signals; the flag goes with it',
    cross: forms,
    async run(env) {
      const t = await open(env);
      const other = await t.attachAnother();
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.space.write(area.at(page), pattern(page, 64));
      const expectUse = (users: readonly number[], owned: readonly number[], when: string): void => {
        const flags = Array.from(t.space.pageFlags(area.address, area.bytes));
        deepEqual(
          flags.map((_flag, page) => t.space.devicesWith(area.at(page)).length),
          users,
          `devices with each page ${when}`,
        );
        deepEqual(
          flags.map((flag) => (flag & FLAG_IN_USE) !== 0),
          users.map((count) => count > 0),
          `pages in use ${when}`,
        );
        const ownedNow = flags.flatMap((flag, page) => ((flag & FLAG_OWNED) === 0 ? [] : [page]));
        deepEqual(ownedNow, owned, `pages that a device owns ${when}`);
      };
      expectUse([0, 0, 0, 0], [], 'before a device touched them');
      await t.mirror.prefetch(area.at(0), t.pageSize);
      await other.prefetch(area.at(0), 2 * t.pageSize);
      await t.mirror.write(area.at(2), pattern(2, 64));
      expectUse([2, 1, 1, 0], [2], 'after reads and a store');
      deepEqual(t.space.devicesWith(area.at(2)), [t.device.info.name], 'names of the devices with the written page');
      await other.write(area.at(2, 64), pattern(20, 64));
      expectUse([2, 1, 1, 0], [2], 'after a store of the other device');
      await t.space.write(area.at(0), pattern(0, 64));
      expectUse([0, 1, 1, 0], [2], 'after a store of the CPU');
      await other.migrate(area.at(2), t.pageSize, 'host');
      expectUse([0, 1, 0, 0], [], 'after a migration to the host');
      equal(await pageOut(t, area), 3 * t.pageSize, 'bytes freed: the page that is in use stays');
      expectUse([0, 1, 0, 0], [], 'after the others left host memory');
      await reclaimAll(t, area);
      deepEqual(
        Array.from(t.space.pageFlags(area.address, area.bytes)),
        [FLAG_SWAPPED, FLAG_SWAPPED, FLAG_SWAPPED, FLAG_SWAPPED],
        'flags after all left',
      );
      expectUse([0, 0, 0, 0], [], 'after all left');
      await area.expect(2, pattern(20, 64), 'what the other device wrote', 64);
      await expectAll(area);
    },
  },
  {
    name: 'accessed-flag',
    rule: 'HarvestCommand: BIT_ACCESSED: FLAG_ACCESSED is set for what the device used, and cleared when reclaim looks',
    mend: 'report BIT_ACCESSED for what was accessed since the entry was made or last harvested, in the order of the list, and clear it',
    needs: ['accessed-bits'],
    variants: alone,
    cross: forms,
    async run(env) {
      const t = await open(env);
      const area = await onDevice(t, 4);
      const expectFlags = (pages: readonly number[], when: string): void => {
        const flags = Array.from(t.space.pageFlags(area.address, area.bytes));
        deepEqual(
          flags.flatMap((flag, page) => ((flag & FLAG_ACCESSED) === 0 ? [] : [page])),
          pages,
          `pages with FLAG_ACCESSED ${when}`,
        );
      };
      await t.mirror.harvest(area.address, area.bytes);
      expectFlags([], 'before the device used one');
      const held = await t.space.acquire(area.at(0), 8, 'read');
      for (const page of [3, 1, 0]) await t.mirror.read(area.at(page), 8);
      await t.mirror.harvest(area.address, area.bytes);
      expectFlags([0, 1, 3], 'after a harvest');
      // From cold to warm: 2, which is used; 0, which is held; 1, which leaves; 3.
      await t.mirror.read(area.at(2), 8);
      equal(await t.space.reclaim(t.pageSize), t.pageSize, 'bytes freed');
      const there = ON_HOST | ON_DEVICE;
      deepEqual(places(t, area), [there, SWAPPED, there, there], 'where the pages are');
      expectFlags([2, 3], 'after reclaim looked at all but the last');
      held.release();
      await expectAll(area);
    },
  },
]);
