import type { HoldMode } from '@mirrorspace/core';
import type { JsProgram } from '@mirrorspace/core/driver';
import { defineCases } from '../../case.js';
import { bytesEqual, deepEqual, equal, ok, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { ON_DEVICE, ON_HOST, SpaceRig, SWAPPED } from '../../space-rig.js';
import { pageOut, places, reclaimAll } from '../../swapping.js';
import { createFile } from './file.js';

/** Adds 1 to the first word of `args[2]` pages of `args[1]` bytes from `args[0]` on, one a unit. */
const addToEach: JsProgram = {
  language: 'js',
  run: (ctx, { x }, [at = 0, size = 0, pages = 1]) => void ctx.atomicAdd(at + (x % pages) * size, 1),
};

/** Host memory that pages leave and come back to, while a device uses the space. */
export const reclaim = defineCases({ level: 'mirror', area: 'reclaim', needs: ['mmu:managed'] }, [
  {
    name: 'comes-back-on-touch',
    rule: 'R2: what left host memory comes back with its bytes when the device or the CPU touches it',
    mend: 'a fault may take as long as the swap store: the access stays stalled',
    cross: { by: ['device', 'cpu'] },
    async run(env) {
      const t = await SpaceRig.open(env, { reclaim: {} });
      const area = await t.map({ pages: 4 });
      await t.space.write(area.address, pattern(1, area.bytes));
      for (let round = 0; round < 2; round++) {
        await reclaimAll(t, area);
        deepEqual(places(t, area), [SWAPPED, SWAPPED, SWAPPED, SWAPPED], 'where the pages are');
        for (let page = 0; page < 4; page++) {
          const expected = pattern(1, area.bytes).slice(page * t.pageSize, (page + 1) * t.pageSize);
          if (env.params['by'] === 'cpu') await area.expectCpu(page, expected, `page ${page}`);
          else await area.expectDevice(page, expected, `page ${page}`);
        }
      }
    },
  },
  {
    name: 'store-to-what-left',
    rule: 'R2: a device store to a page in the swap store changes its bytes alone',
    mend: 'copy the whole page in before a store to a part of it',
    async run(env) {
      const t = await SpaceRig.open(env, { reclaim: {} });
      const area = await t.map({ pages: 3 });
      const expected = pattern(1, area.bytes);
      await t.space.write(area.address, expected);
      for (let round = 0; round < 3; round++) {
        await reclaimAll(t, area);
        for (let page = 0; page < 3; page++) {
          const offset = env.pick(t.pageSize - 16);
          await t.mirror.write(area.at(page, offset), pattern(10 + round, 11));
          expected.set(pattern(10 + round, 11), page * t.pageSize + offset);
        }
      }
      bytesEqual(await t.space.read(area.address, area.bytes), expected, 'all pages');
    },
  },
  {
    name: 'in-use-is-passed-over',
    rule: 'R5: a page in use by a device is not taken out of host memory, and its entries stay',
    mend: 'nothing: the device is not asked',
    cross: { access: ['read', 'write'] },
    async run(env) {
      const t = await SpaceRig.open(env, { reclaim: {} });
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.space.write(area.at(page), pattern(page, 64));
      const { invalidated, recalls } = t.mirror.stats;
      for (const page of [1, 2]) {
        if (env.params['access'] === 'read') await t.mirror.read(area.at(page), 64);
        else await t.mirror.write(area.at(page, 64), pattern(20 + page, 64));
      }
      const before = places(t, area);
      equal(await pageOut(t, area), 2 * t.pageSize, 'bytes freed');
      deepEqual(places(t, area), [SWAPPED, before[1], before[2], SWAPPED], 'where the pages are');
      ok(
        before.slice(1, 3).every((at) => (at & ON_DEVICE) !== 0),
        'the device has the pages that it used',
      );
      deepEqual(
        { invalidated: t.mirror.stats.invalidated - invalidated, recalls: t.mirror.stats.recalls - recalls },
        { invalidated: 0, recalls: 0 },
        'what was taken off the device',
      );
      for (let page = 0; page < 4; page++) await area.expect(page, pattern(page, 64), `page ${page}`);
    },
  },
  {
    name: 'launch-on-what-left',
    rule: 'R2, R8: a program that needs pages of the swap store gets them all, each unit once',
    mend: 'let units stall for as long as a page takes, and replay them',
    needs: ['program:js', 'atomics'],
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 8, reclaim: {} });
      const area = await t.map({ pages: 6 });
      for (let page = 0; page < 6; page++) await t.space.write(area.at(page), pattern(page, 64).fill(0, 0, 4));
      await reclaimAll(t, area);
      const args = [area.address, t.pageSize, 6];
      await t.mirror.launch(addToEach, { args, grid: [60] }).wait({ timeoutMs: env.waitMs });
      for (let page = 0; page < 6; page++) {
        const expected = pattern(page, 64).fill(0, 0, 4);
        expected[0] = 10;
        await area.expectCpu(page, expected, `page ${page}`);
      }
    },
  },
  {
    name: 'under-a-launch',
    rule: 'R2: reclaim while a program runs loses no store',
    mend: 'finish copyOut before the frame is used again; report the dirty bit when the entry is unmapped',
    tags: ['igt:race', 'igt:evict'],
    needs: ['program:js', 'atomics'],
    cross: { lists: ['device', 'global'] },
    async run(env) {
      const lists = env.params['lists'] as 'device';
      const t = await SpaceRig.open(env, { frames: 8, reclaim: { lists } });
      const area = await t.map({ pages: 12 });
      const args = [area.address, t.pageSize, 12];
      const fence = t.mirror.launch(addToEach, { args, grid: [96] });
      for (let i = 0; i < 40 && !fence.signaled && fence.error === undefined; i++)
        await t.space.reclaim((1 + (i % 3)) * t.pageSize);
      await fence.wait({ timeoutMs: env.waitMs });
      await reclaimAll(t, area);
      for (let page = 0; page < 12; page++)
        await area.expectCpu(page, Uint8Array.of(8, 0, 0, 0), `additions to page ${page}`);
    },
  },
  {
    name: 'within-a-budget',
    rule: 'R2, R8: device and CPU use more than the budget of host memory and the memory of the device together',
    mend: 'pages go and come at any time: nothing of a page may be remembered across unmap',
    cross: { lists: ['device', 'global'] },
    async run(env) {
      const lists = env.params['lists'] as 'device';
      const t = await SpaceRig.open(env, { frames: 8, reclaim: { lists, pages: 8 } });
      const area = await t.map({ pages: 32 });
      for (let round = 0; round < 2; round++) {
        for (let page = 0; page < 32; page++) {
          const by = (page + round) % 2 === 0 ? t.mirror : t.space;
          await by.write(area.at(page, 64 * round), pattern(page + round, 64));
        }
      }
      ok(t.space.memory.stats.swappedOut > 0, 'pages left host memory');
      for (let page = 0; page < 32; page++) {
        for (let round = 0; round < 2; round++)
          await area.expect(page, pattern(page + round, 64), `page ${page}, round ${round}`, 64 * round);
      }
    },
  },
  {
    name: 'random-order',
    rule: 'R2: memory equals a plain sequential model whatever leaves host memory, and when',
    mend: 'look for frames that are used again too early, and for bits that are lost',
    tags: ['igt:evict'],
    cross: { lists: ['device', 'global'], round: [1, 2] },
    async run(env) {
      const lists = env.params['lists'] as 'device';
      const t = await SpaceRig.open(env, { frames: 6, reclaim: { lists } });
      const area = await t.map({ pages: 10 });
      const model = new Uint8Array(10 * 64);
      for (let i = 0; i < 120 + 10 * Number(env.params['round']); i++) {
        const page = env.pick(10);
        const offset = 8 * env.pick(7);
        const kind = env.pick(9);
        const range = [area.at(page), (1 + env.pick(10 - page)) * t.pageSize] as const;
        if (kind < 4) {
          const bytes = pattern(i + env.pick(1000), 8);
          await (kind < 2 ? t.mirror : t.space).write(area.at(page, offset), bytes);
          model.set(bytes, 64 * page + offset);
        } else if (kind < 6) {
          const seen = await (kind === 4 ? t.mirror : t.space).read(area.at(page), 64);
          const by = kind === 4 ? 'device' : 'CPU';
          bytesEqual(seen, model.slice(64 * page, 64 * page + 64), `page ${page} in step ${i}, ${by}`);
        } else if (kind === 6) await t.space.pageOut(...range);
        else if (kind === 7) await t.space.reclaim((1 + env.pick(6)) * t.pageSize);
        else await t.mirror.harvest(...range);
      }
      for (let page = 0; page < 10; page++)
        await area.expect(page, model.slice(64 * page, 64 * page + 64), `page ${page} at the end`);
    },
  },
  {
    name: 'fork',
    rule: 'R2: parent and child each see their own of what was in the swap store when, or after, they parted',
    mend: 'two entries may lead to one page: stores need a right of their own',
    cross: { left: ['before', 'after'] },
    async run(env) {
      const t = await SpaceRig.open(env, { reclaim: {} });
      const area = await t.map({ pages: 3 });
      for (let page = 0; page < 3; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      if (env.params['left'] === 'before') await reclaimAll(t, area);
      const child = await t.space.fork();
      env.defer(() => child.close());
      if (env.params['left'] === 'after') await reclaimAll(t, area);
      await t.mirror.write(area.at(0), pattern(10, 64));
      await child.write(area.at(1), pattern(11, 64));
      await reclaimAll(t, area);
      for (const [page, own, other] of [
        [0, 10, 0],
        [1, 1, 11],
        [2, 2, 2],
      ] as const) {
        await area.expect(page, pattern(own, 64), `page ${page} of the parent`);
        bytesEqual(await child.read(area.at(page), 64), pattern(other, 64), `page ${page} of the child`);
      }
    },
  },
  {
    name: 'shared-by-fork',
    rule: 'MapOptions.share: shared pages come back from the swap store once, for all who share them',
    mend: 'a page has one frame on a device, whoever maps it',
    async run(env) {
      const t = await SpaceRig.open(env, { reclaim: {} });
      const area = await t.map({ pages: 2, share: 'shared' });
      await t.mirror.write(area.at(0), pattern(1, 64));
      const child = await t.space.fork();
      env.defer(() => child.close());
      for (let round = 0; round < 3; round++) {
        await reclaimAll(t, area);
        await t.mirror.write(area.at(0, 64), pattern(10 + round, 64));
        bytesEqual(await child.read(area.at(0, 64), 64), pattern(10 + round, 64), 'what the device wrote');
        await child.write(area.at(1), pattern(20 + round, 64));
        await area.expectDevice(1, pattern(20 + round, 64), 'what the child wrote');
      }
      await area.expect(0, pattern(1, 64), 'what was there before');
    },
  },
  {
    name: 'unmapped-while-away',
    rule: 'R9: what is mapped where a swapped page was unmapped shows nothing of it',
    mend: 'remove the entries that unmap names before the range is used again',
    cross: { by: ['unmap', 'map', 'dontNeed'] },
    async run(env) {
      const t = await SpaceRig.open(env, { reclaim: {} });
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      await reclaimAll(t, area);
      const { swapped } = t.space.memory;
      const part = [area.at(1), 2 * t.pageSize] as const;
      if (env.params['by'] === 'dontNeed') await t.space.dontNeed(...part);
      else {
        if (env.params['by'] === 'unmap') await t.space.unmap(...part);
        t.space.map({ address: part[0], bytes: part[1], fixed: true });
      }
      equal(swapped - t.space.memory.swapped, 2 * t.pageSize, 'bytes of the swap store that are free again');
      for (const page of [1, 2]) await area.expect(page, new Uint8Array(64), `page ${page}`);
      for (const page of [0, 3]) await area.expect(page, pattern(page, 64), `page ${page}`);
    },
  },
  {
    name: 'unmapped-on-its-way',
    rule: 'R2: pages that are unmapped while they leave or come back are gone, and others are not touched',
    mend: 'a fault may be stale when it is served: the device learns that it is cancelled',
    tags: ['igt:race'],
    cross: { way: ['out', 'back'] },
    async run(env) {
      const t = await SpaceRig.open(env, { reclaim: {} });
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.space.write(area.at(page), pattern(page, 64));
      if (env.params['way'] === 'back') await reclaimAll(t, area);
      const work: Promise<unknown> =
        env.params['way'] === 'out'
          ? t.space.pageOut(area.address, area.bytes)
          : t.mirror.read(area.at(1), 64).catch(() => undefined);
      const under = env.expect('what was under way', work);
      for (let turns = env.pick(3); turns > 0; turns--) await env.turn();
      await t.space.unmap(area.at(1), t.pageSize);
      await under;
      t.space.map({ address: area.at(1), bytes: t.pageSize, fixed: true });
      await area.expect(1, new Uint8Array(64), 'the page that was mapped anew');
      for (const page of [0, 2, 3]) await area.expect(page, pattern(page, 64), `page ${page}`);
    },
  },
  {
    name: 'remapped-while-away',
    rule: 'R2: pages in the swap store move with their mapping',
    mend: 'nothing: the device had no entry; it faults at the new address',
    async run(env) {
      const t = await SpaceRig.open(env, { reclaim: {} });
      const area = await t.map({ pages: 3 });
      for (let page = 0; page < 3; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      await reclaimAll(t, area);
      const target = t.space.map({ bytes: area.bytes });
      const to = target.address;
      await target.unmap();
      await t.space.remap(area.address, area.bytes, { address: to });
      for (let page = 0; page < 3; page++) {
        const at = to + page * t.pageSize;
        bytesEqual(await t.mirror.read(at, 64), pattern(page, 64), `page ${page} at its new address, on the device`);
        await t.mirror.write(at, pattern(10 + page, 64));
        bytesEqual(await t.space.read(at, 64), pattern(10 + page, 64), `what was written to page ${page} there`);
      }
    },
  },
  {
    name: 'protected-while-away',
    rule: 'ACCESS_DENIED: rights that changed while a page was in the swap store hold when it comes back',
    mend: 'give each entry the rights that map names',
    async run(env) {
      const t = await SpaceRig.open(env, { reclaim: {} });
      const area = await t.map({ pages: 2 });
      for (let page = 0; page < 2; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      await reclaimAll(t, area);
      await t.space.protect(area.address, area.bytes, 'read');
      await rejects(t.mirror.write(area.at(0), pattern(9, 8)), ['ACCESS_DENIED'], 'a store without the right');
      await area.expectDevice(0, pattern(0, 64), 'page 0');
      await t.space.protect(area.address, area.bytes, 'read-write');
      await t.mirror.write(area.at(1, 64), pattern(9, 8));
      await area.expect(1, pattern(1, 64), 'page 1');
      await area.expect(1, pattern(9, 8), 'what was stored with the right', 64);
    },
  },
  {
    name: 'file-pages-leave-for-their-file',
    rule: 'R2: BIT_DIRTY: what the device wrote to a shared file reaches it when the page leaves host memory',
    mend: 'report the dirty bit: a clean page is dropped',
    async run(env) {
      const t = await SpaceRig.open(env, { reclaim: {} });
      const source = createFile(1, 3 * t.pageSize);
      const before = source.content.slice();
      const area = await t.map({ pages: 3, source, share: 'shared' });
      for (let round = 0; round < 3; round++) {
        await t.mirror.read(area.at(0), 64);
        await t.mirror.write(area.at(1, 64 * round), pattern(10 + round, 64));
        await reclaimAll(t, area);
        const at = t.pageSize + 64 * round;
        bytesEqual(source.content.slice(at, at + 64), pattern(10 + round, 64), `store ${round} in the file`);
        await area.expect(1, pattern(10 + round, 64), `store ${round}`, 64 * round);
      }
      bytesEqual(source.content.slice(0, t.pageSize), before.slice(0, t.pageSize), 'a page that nobody wrote');
    },
  },
  {
    name: 'private-pages-do-not',
    rule: 'R2: MapOptions.share: a private copy of a file page goes to the swap store and comes back from there',
    mend: 'nothing of the device is involved but whole pages: see copyOut',
    async run(env) {
      const t = await SpaceRig.open(env, { reclaim: {} });
      const source = createFile(1, 2 * t.pageSize);
      const before = source.content.slice();
      const area = await t.map({ pages: 2, source });
      await t.mirror.write(area.at(0, 64), pattern(10, 64));
      await reclaimAll(t, area);
      await area.expect(0, pattern(10, 64), 'what the device wrote', 64);
      await area.expect(0, before.slice(0, 64), 'what it did not write');
      bytesEqual(source.content, before, 'the file');
    },
  },
  {
    name: 'zeros-need-no-room',
    rule: 'ZERO_FRAME: pages that were only read are dropped, and read as zeros again',
    mend: 'fill frames with zeros where copyIn names ZERO_FRAME; loads must not set BIT_DIRTY',
    needs: ['dirty-bits', 'read-only-maps'],
    async run(env) {
      const t = await SpaceRig.open(env, { reclaim: {} });
      const area = await t.map({ pages: 4 });
      for (let round = 0; round < 2; round++) {
        for (let page = 0; page < 4; page++) await area.expectDevice(page, new Uint8Array(64), `page ${page}`);
        await reclaimAll(t, area);
        deepEqual(places(t, area), [0, 0, 0, 0], 'where the pages are');
      }
    },
  },
  {
    name: 'held-pages-stay',
    rule: 'R2: what the CPU holds stays where it is while it is held',
    mend: 'nothing: the device waits for the page',
    cross: { mode: ['read', 'write'] },
    async run(env) {
      const t = await SpaceRig.open(env, { reclaim: {} });
      const area = await t.map({ pages: 3 });
      for (let page = 0; page < 3; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      const mode = env.params['mode'] as HoldMode;
      const held = await t.space.acquire(area.at(1), t.pageSize, mode);
      await t.space.reclaim(64 * t.pageSize);
      equal(places(t, area)[1]! & (ON_HOST | SWAPPED), ON_HOST, 'where the page is that is held');
      if (mode === 'write') held.bytes.set(pattern(10, 64));
      held.release();
      await reclaimAll(t, area);
      await area.expect(1, pattern(mode === 'write' ? 10 : 1, 64), 'the page that was held');
      for (const page of [0, 2]) await area.expect(page, pattern(page, 64), `page ${page}`);
    },
  },
  {
    name: 'survives-a-lost-device',
    rule: 'R10: what is in the swap store is not lost with a device',
    mend: 'fail all fences when the device is lost; the host goes on',
    needs: ['inject:lose'],
    variants: ['plain', 'small', 'subrange', 'second'],
    cross: { lists: ['device', 'global'] },
    async run(env) {
      const lists = env.params['lists'] as 'device';
      const t = await SpaceRig.open(env, { reclaim: { lists } });
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      await reclaimAll(t, area);
      await t.mirror.read(area.at(1), 8);
      await t.mirror.write(area.at(2), pattern(20, 64));
      env.lose(t.device);
      await env.expect('Mirror.lost', t.mirror.lost);
      await t.space.reclaim(64 * t.pageSize);
      for (const page of [0, 1, 3]) await area.expectCpu(page, pattern(page, 64), `page ${page}`);
      await rejects(t.space.read(area.at(2), 64), ['DEVICE_LOST'], 'a CPU read of what the device alone had');
      await t.space.write(area.at(2), pattern(21, t.pageSize));
      await area.expectCpu(2, pattern(21, 64), 'the lost page, written anew');
    },
  },
]);
