import { defineCases } from '../../case.js';
import { deepEqual, equal, ok } from '../../check.js';
import { pattern } from '../../frames.js';
import { ON_DEVICE, ON_HOST, SpaceRig } from '../../space-rig.js';
import { onDevice, plain, VARIANTS } from './plain.js';

export const moving = defineCases({ level: 'mirror', area: 'migration', needs: ['mmu:mirroring', 'frames:4'] }, [
  {
    name: 'process-to-device-and-back',
    rule: 'Mirror.migrate: moves the pages of a range, by what residency says afterwards; contents move with them',
    mend: 'do not trust what the driver returns: look where the pages are',
    tags: ['hmm:migrate'],
    variants: VARIANTS,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      const bytes = plain(t, area);
      for (let page = 0; page < 4; page++) bytes.set(pattern(page, 64), page * t.pageSize);
      equal(await t.mirror.migrate(area.address, area.bytes, 'device'), 4, 'pages that moved');
      equal(onDevice(t, area), 4, 'pages on the device');
      for (let page = 0; page < 4; page++) await area.expectDevice(page, pattern(page, 64), `page ${page}`);
      equal(await t.mirror.migrate(area.address, area.bytes, 'host'), 4, 'pages that moved home');
      equal(onDevice(t, area), 0, 'pages on the device at the end');
      for (let page = 0; page < 4; page++) await area.expect(page, pattern(page, 64), `page ${page} at the end`);
    },
  },
  {
    name: 'process-plain-loads-and-stores',
    rule: 'R2: plain loads see what the device wrote, and the device sees plain stores, wherever the page is',
    mend: 'fault pages back, or let the CPU reach them where they are',
    tags: ['hmm:migrate_fault'],
    variants: VARIANTS,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      const bytes = plain(t, area);
      await t.mirror.write(area.at(1, 5), pattern(1, 100));
      deepEqual(bytes.slice(t.pageSize + 5, t.pageSize + 105), pattern(1, 100), 'what the CPU loads');
      await t.mirror.migrate(area.address, area.bytes, 'device');
      bytes.set(pattern(2, 50), 2 * t.pageSize + 7);
      await area.expectDevice(2, pattern(2, 50), 'what the CPU stored', 7);
      await area.expect(1, pattern(1, 100), 'what the device wrote before', 5);
    },
  },
  {
    name: 'process-round-trips',
    rule: 'R2: no write is lost however often a page moves',
    mend: 'copy a page with what was written last',
    tags: ['hmm:migrate_multiple'],
    variants: VARIANTS,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3 });
      const bytes = plain(t, area);
      for (let i = 0; i < 6; i++) {
        bytes.set(pattern(i, 4), 4 * i);
        await t.mirror.migrate(area.address, area.bytes, 'device');
        await t.mirror.write(area.at(2, 4 * i), pattern(20 + i, 4));
        await t.mirror.migrate(area.address, area.bytes, 'host');
      }
      for (let i = 0; i < 6; i++) {
        await area.expect(0, pattern(i, 4), `what the CPU wrote in trip ${i}`, 4 * i);
        await area.expect(2, pattern(20 + i, 4), `what the device wrote in trip ${i}`, 4 * i);
      }
    },
  },
  {
    name: 'process-touch-brings',
    rule: 'AttachOptions.placement: a page that the device writes comes to it, one that it reads stays where it is',
    mend: 'ask the policy before an access',
    variants: ['plain'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3 });
      plain(t, area).fill(1);
      await t.mirror.write(area.at(0), pattern(3, 64));
      await t.mirror.read(area.at(1), 64);
      const bits = t.mirror.residency(area.address, area.bytes);
      const where = Array.from(bits, (page) => page & (ON_DEVICE | ON_HOST));
      deepEqual(where, [ON_DEVICE, ON_HOST, ON_HOST], 'where pages are');
    },
  },
  {
    name: 'process-eviction',
    rule: 'R2: what leaves to make room loses nothing; device memory is never used beyond its limit',
    mend: 'send the coldest home before others come',
    variants: ['plain', 'subrange', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 4 });
      const area = await t.map({ pages: 12 });
      const bytes = plain(t, area);
      for (let page = 0; page < 12; page++) bytes.set(pattern(page, 64), page * t.pageSize);
      for (let page = 0; page < 12; page++) {
        equal(await t.mirror.migrate(area.at(page), t.pageSize, 'device'), 1, `page ${page} moved`);
        ok(onDevice(t, area) <= 4, `${onDevice(t, area)} pages on a device of 4 frames`);
      }
      equal(t.mirror.stats.evictions, 8, 'pages that left to make room');
      for (let page = 0; page < 12; page++) await area.expect(page, pattern(page, 64), `page ${page}`);
    },
  },
  {
    name: 'process-untouched',
    rule: 'Mirror.migrate: pages that nobody touched are zeros, on the device, too',
    mend: 'clear the memory that a page without content gets',
    tags: ['hmm:anon_read'],
    variants: VARIANTS,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3 });
      await area.expectDevice(0, new Uint8Array(64), 'an untouched page');
      await t.mirror.migrate(area.address, area.bytes, 'device');
      for (let page = 0; page < 3; page++) await area.expect(page, new Uint8Array(64), `page ${page}`);
    },
  },
]);
