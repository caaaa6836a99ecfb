import { defineCases } from '../../case.js';
import { bytesEqual, deepEqual, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { SpaceRig } from '../../space-rig.js';

const DENIED = ['ACCESS_DENIED'];

export const protection = defineCases({ level: 'mirror', area: 'protection' }, [
  {
    name: 'no-access',
    rule: 'ACCESS_DENIED: the region forbids this access; nothing changes in the mirror',
    mend: 'fail with the code of the cancel (ACCESS_DENIED, not ADDRESS_NOT_MAPPED)',
    tags: ['hmm:anon_read_prot'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      await t.space.write(area.address, pattern(1, 64));
      await t.space.protect(area.address, area.bytes, 'none');
      await rejects(t.mirror.read(area.address, 64), DENIED, 'device read');
      await rejects(t.mirror.write(area.address, pattern(2, 64)), DENIED, 'device write');
      await rejects(t.space.read(area.address, 64), DENIED, 'CPU read');
      await t.space.protect(area.address, area.bytes, 'read-write');
      await area.expect(0, pattern(1, 64), 'the content after access was given back');
    },
  },
  {
    name: 'read-only',
    rule: 'ACCESS_DENIED: stores to a read-only region fail; it may be made writable later',
    mend: 'deny stores through entries without PTE_WRITE; let them through after protect',
    tags: ['hmm:anon_write_prot'],
    cross: { by: ['write', 'fill'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      await t.space.write(area.address, pattern(1, area.bytes));
      await t.space.protect(area.address, area.bytes, 'read');
      const store = (): Promise<void> =>
        env.params['by'] === 'fill'
          ? t.mirror.fill(area.address, 64, 7)
          : t.mirror.write(area.address, new Uint8Array(64).fill(7));
      await area.expectDevice(0, pattern(1, 64), 'the page');
      await rejects(store(), DENIED, 'device store');
      await rejects(t.space.write(area.address, pattern(2, 8)), DENIED, 'CPU store');
      await area.expect(0, pattern(1, 64), 'the page after the denied stores');
      await t.space.protect(area.address, area.bytes, 'read-write');
      await store();
      await area.expect(0, new Uint8Array(64).fill(7), 'the page after the store');
    },
  },
  {
    name: 'read-only-atomics',
    rule: 'FAULT_ATOMIC: needs the same rights as a store',
    mend: 'check PTE_WRITE for atomicAdd',
    needs: ['atomics'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 1, access: 'read' });
      await rejects(t.mirror.atomicAdd(area.address, 1), DENIED, 'atomicAdd');
      await area.expect(0, new Uint8Array(8), 'the word');
    },
  },
  {
    name: 'taken-away',
    rule: 'R1: protect is true on the device when it resolves; what the device wrote before survives',
    mend: 'flushTlb must drop cached rights; unmap or protect must report the dirty bit',
    tags: ['hmm:anon_write_prot'],
    cross: { to: ['read', 'none'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3 });
      for (let page = 0; page < 3; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      const to = env.params['to'] === 'none' ? 'none' : 'read';
      await t.space.protect(area.at(1), t.pageSize, to);
      await rejects(t.mirror.write(area.at(1), pattern(9, 64)), DENIED, 'device store to the protected page');
      await t.mirror.write(area.at(2), pattern(8, 64));
      if (to === 'none') await t.space.protect(area.at(1), t.pageSize, 'read');
      await area.expect(1, pattern(1, 64), 'what the device wrote before');
      await area.expect(2, pattern(8, 64), 'the page beside it');
    },
  },
  {
    name: 'crossing-write',
    rule: 'WriteCommand: a page’s part takes effect whole or not at all',
    mend: 'leave the read-only page as it was',
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      await t.space.write(area.address, pattern(1, area.bytes));
      await t.space.protect(area.at(1), t.pageSize, 'read');
      await rejects(t.mirror.write(area.at(1, -32), pattern(2, 64)), DENIED, 'a store that ends in a read-only page');
      await area.expect(1, pattern(1, area.bytes).slice(t.pageSize, t.pageSize + 64), 'the read-only page');
    },
  },
  {
    name: 'mixed-rights',
    rule: 'ProtectCommand: only the listed pages change',
    mend: 'keep rights per page',
    tags: ['hmm:snapshot'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 6 });
      await t.space.write(area.address, pattern(1, area.bytes));
      for (const page of [1, 3]) await t.space.protect(area.at(page), t.pageSize, 'read');
      await t.space.protect(area.at(5), t.pageSize, 'none');
      const outcomes = [];
      for (let page = 0; page < 6; page++) {
        const read = await t.mirror.read(area.at(page), 8).then(
          () => 'r',
          () => '-',
        );
        const write = await t.mirror.write(area.at(page), pattern(2, 8)).then(
          () => 'w',
          () => '-',
        );
        outcomes.push(read + write);
      }
      deepEqual(outcomes, ['rw', 'r-', 'rw', 'r-', 'rw', '--'], 'rights of each page on the device');
    },
  },
  {
    name: 'exclusive-then-protected',
    rule: 'ACCESS_DENIED: a page taken exclusively obeys protect as any other',
    mend: 'drop the write right of exclusive pages too',
    tags: ['hmm:exclusive_mprotect'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      await t.space.write(area.address, pattern(1, 64));
      await t.mirror.exclusive(area.address, area.bytes);
      await t.space.protect(area.address, area.bytes, 'read');
      await rejects(t.mirror.write(area.address, pattern(2, 64)), DENIED, 'device store');
      bytesEqual(await t.space.read(area.address, 64), pattern(1, 64), 'the content');
    },
  },
]);
