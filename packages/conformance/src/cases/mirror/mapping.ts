import { defineCases, PAGE_SIZES } from '../../case.js';
import { bytesEqual, equal, ok, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { SpaceRig } from '../../space-rig.js';

const NOT_MAPPED = ['ADDRESS_NOT_MAPPED'];

export const mapping = defineCases({ level: 'mirror', area: 'mapping' }, [
  {
    name: 'device-write-reaches-cpu',
    rule: 'R2: what a device wrote is seen after its fence and an acquire',
    mend: 'copyOut must bring what was stored through entries, and unmap must report the dirty bit',
    tags: ['hmm:anon_write'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.mirror.write(area.at(page), pattern(page, t.pageSize));
      for (let page = 0; page < 4; page++) await area.expectCpu(page, pattern(page, t.pageSize), `page ${page}`);
    },
  },
  {
    name: 'cpu-write-reaches-device',
    rule: 'R2: what the CPU wrote before is seen by the device',
    mend: 'copyIn must bring the bytes of the named host frames',
    tags: ['hmm:anon_read'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      await t.space.write(area.address, pattern(1, area.bytes));
      bytesEqual(
        await t.mirror.read(area.at(1), t.pageSize),
        pattern(1, area.bytes).slice(t.pageSize, 2 * t.pageSize),
        'page 1',
      );
      await t.space.write(area.at(1, 100), pattern(2, 50));
      await area.expectDevice(1, pattern(2, 50), 'bytes that the CPU changed while the device had a copy', 100);
    },
  },
  {
    name: 'large-pages',
    rule: 'DeviceLimits.pageSizes: a space may use any page size that the device offers',
    mend: 'serve every offered page size in map, copy and fault reports',
    tags: ['hmm:anon_write_huge', 'hmm:anon_write_hugetlbfs', 'hmm:compound', 'igt:64k', 'igt:large'],
    cross: { pageSize: PAGE_SIZES },
    variants: ['plain', 'subrange', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      await t.space.write(area.at(0, 5), pattern(1, 32));
      await t.mirror.write(area.at(1, -16), pattern(2, 32));
      await area.expect(0, pattern(1, 32), 'what the CPU wrote', 5);
      await area.expect(1, pattern(2, 32), 'what the device wrote across pages', -16);
      await t.space.protect(area.address, t.pageSize, 'read');
      await area.expect(0, pattern(1, 32), 'the page after protect', 5);
      await rejects(
        t.mirror.write(area.at(0), pattern(3, 8)),
        ['ACCESS_DENIED'],
        'a device store to the protected page',
      );
    },
  },
  {
    name: 'unmap-whole',
    rule: 'ADDRESS_NOT_MAPPED: no region covers the address; R1',
    mend: 'unmap and flushTlb must end every access; cancelFaults must fail what is stalled there',
    tags: ['igt:once'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      await t.mirror.write(area.address, pattern(1, 64));
      await t.space.unmap(area.address, area.bytes);
      await rejects(t.mirror.read(area.address, 64), NOT_MAPPED, 'device read of an unmapped address');
      await rejects(t.mirror.write(area.at(1), pattern(1, 8)), NOT_MAPPED, 'device write of an unmapped address');
      await rejects(t.space.read(area.address, 64), NOT_MAPPED, 'CPU read of an unmapped address');
    },
  },
  {
    name: 'unmap-part',
    rule: 'R2: unmapping a part leaves the rest as it was',
    mend: 'unmap exactly the listed pages',
    tags: ['hmm:migrate_partial_unmap_fault', 'igt:partial-munmap', 'igt:middle-munmap'],
    cross: { part: ['start', 'middle', 'end'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 5 });
      for (let page = 0; page < 5; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      const first = { start: 0, middle: 2, end: 4 }[String(env.params['part'])] ?? 0;
      await t.space.unmap(area.at(first), t.pageSize);
      for (let page = 0; page < 5; page++) {
        if (page === first) await rejects(t.mirror.read(area.at(page), 8), NOT_MAPPED, `page ${page}`);
        else await area.expect(page, pattern(page, 64), `page ${page}`);
      }
    },
  },
  {
    name: 'map-over',
    rule: 'R1, R2: a mapping over mappings replaces what it covers and nothing else',
    mend: 'unmap and flush the covered pages before the new ones are mapped',
    tags: ['igt:many', 'hmm:anon_write'],
    cross: { over: ['exact', 'head', 'tail', 'middle', 'two'] },
    variants: ['plain', 'small', 'second', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 6 });
      for (let page = 0; page < 6; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      const over = String(env.params['over']);
      if (over === 'two') await t.map({ pages: 3, address: area.at(3), fixed: true });
      const ranges: Record<string, readonly [from: number, count: number]> = {
        exact: [0, 6],
        head: [0, 2],
        tail: [4, 2],
        middle: [2, 2],
        two: [2, 3],
      };
      const [from, count] = ranges[over] ?? [0, 6];
      await t.map({ pages: count, address: area.at(from), fixed: true });
      for (let page = 0; page < 6; page++) {
        const replaced = (page >= from && page < from + count) || (over === 'two' && page >= 3);
        await area.expect(
          page,
          replaced ? new Uint8Array(64) : pattern(page, 64),
          `page ${page}, replaced: ${replaced}`,
        );
      }
    },
  },
  {
    name: 'reused-address',
    rule: 'R9: a freed range is reused only after its stale faults are drained',
    mend: 'serve no fault of the old mapping from the new one, and keep no cached translation',
    async run(env) {
      const t = await SpaceRig.open(env);
      for (let round = 0; round < 4; round++) {
        const area = await t.map({ pages: 2 });
        await area.expectDevice(0, new Uint8Array(64), `a new region in round ${round}`);
        await t.mirror.write(area.address, pattern(round, 64));
        await t.space.unmap(area.address, area.bytes);
      }
    },
  },
  {
    name: 'huge-and-sparse',
    rule: 'DeviceMmu.addressBits: regions far larger than any memory, touched here and there',
    mend: 'keep all bits of page numbers; cost must follow what is touched',
    tags: ['igt:large', 'igt:stride'],
    variants: ['plain', 'small', 'second', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const pages = Math.floor(2 ** Math.min(40, t.device.limits.addressBits - 1) / t.pageSize);
      const region = t.space.map({ bytes: pages * t.pageSize });
      for (let i = 0; i < 12; i++) {
        const at = region.address + env.pick(pages) * t.pageSize + 8 * env.pick(64);
        await t.mirror.write(at, pattern(i, 8));
        bytesEqual(await t.space.read(at, 8), pattern(i, 8), `8 bytes at ${at}`);
      }
    },
  },
  {
    name: 'many-regions',
    rule: 'R2: regions are apart, however many',
    mend: 'keep translations of neighbouring pages apart',
    tags: ['igt:many', 'igt:multi-fault'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const areas = [];
      for (let i = 0; i < 24; i++) areas.push(await t.map({ pages: 1 }));
      for (const [i, area] of areas.entries()) await t.mirror.write(area.at(0, i), pattern(i, 16));
      for (const [i, area] of areas.entries()) await area.expectCpu(0, pattern(i, 16), `region ${i}`, i);
    },
  },
  {
    name: 'discard',
    rule: 'AddressSpace.dontNeed: anonymous private memory becomes zeros, on the device too',
    mend: 'unmap and flush the pages: the device must not see what was discarded',
    tags: ['igt:madvise'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3, share: 'private' });
      for (let page = 0; page < 3; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      await t.space.dontNeed(area.at(1), t.pageSize);
      await area.expect(1, new Uint8Array(64), 'the discarded page');
      await area.expect(0, pattern(0, 64), 'the page before');
      await area.expect(2, pattern(2, 64), 'the page behind');
    },
  },
  {
    name: 'hints',
    rule: 'AddressSpace.map: an address without fixed is a hint; what is there stays',
    mend: 'nothing of the device is involved but the addresses: compare page numbers in full',
    tags: ['igt:twice'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      await t.mirror.write(area.address, pattern(1, 64));
      const other = t.space.map({ bytes: area.bytes, address: area.address });
      ok(other.address !== area.address, 'a taken hint is not followed');
      await t.mirror.write(other.address, pattern(2, 64));
      await area.expect(0, pattern(1, 64), 'what was there before');
      equal(other.bytes, area.bytes, 'bytes of the other region');
    },
  },
]);
