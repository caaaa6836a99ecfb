import type { HoldMode } from '@mirrorspace/core';
import { defineCases } from '../../case.js';
import { bytesEqual, deepEqual, equal, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { ON_HOST, SpaceRig, SWAPPED } from '../../space-rig.js';
import { places, reclaimAll } from '../../swapping.js';
import { createFile } from './file.js';

/** Host memory that pages leave: whatever kind of memory they are of, and whatever becomes of it meanwhile. */
export const reclaimByKind = defineCases({ level: 'mirror', area: 'reclaim', needs: ['mmu:managed'] }, [
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
