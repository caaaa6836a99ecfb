import { defineCases } from '../../case.js';
import { equal, ok } from '../../check.js';
import { pattern } from '../../frames.js';
import { ON_DEVICE, ON_HOST, SpaceRig, WRITABLE } from '../../space-rig.js';

export const duplication = defineCases({ level: 'mirror', area: 'duplication' }, [
  {
    name: 'read-fault-duplicates',
    rule: 'R3: a frame has one owner unless read-duplicated: then nobody may write',
    mend: 'honour read-only entries: that is what makes copies on both sides safe',
    tags: ['hmm:snapshot'],
    needs: ['read-only-maps'],
    variants: ['plain', 'small', 'subrange', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 1 });
      await t.space.write(area.address, pattern(1, 64));
      await area.expectDevice(0, pattern(1, 64), 'the page');
      const [flags = 0] = t.mirror.residency(area.address, t.pageSize);
      equal(flags & (ON_HOST | ON_DEVICE), ON_HOST | ON_DEVICE, 'a page that the device read is on both sides');
      equal(flags & WRITABLE, 0, 'and the device may not write it');
      const { bytesOut } = t.mirror.stats;
      await area.expectCpu(0, pattern(1, 64), 'the page');
      equal(t.mirror.stats.bytesOut, bytesOut, 'bytes copied home for a CPU read of a duplicated page');
    },
  },
  {
    name: 'device-write-ends-duplication',
    rule: 'R3: at most one writable copy of a page',
    mend: 'report the store to a read-only entry as FAULT_WRITE',
    needs: ['read-only-maps'],
    variants: ['plain', 'small', 'subrange', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 1 });
      await t.space.write(area.address, pattern(1, 64));
      await t.mirror.read(area.address, 64);
      await t.mirror.write(area.address, pattern(2, 64));
      const [flags = 0] = t.mirror.residency(area.address, t.pageSize);
      equal(
        flags & (ON_HOST | ON_DEVICE | WRITABLE),
        ON_DEVICE | WRITABLE,
        'the device is the one owner after its store',
      );
      await area.expect(0, pattern(2, 64), 'the page');
    },
  },
  {
    name: 'cpu-write-ends-duplication',
    rule: 'R3: a CPU write takes the page off every device',
    mend: 'unmap and flush the device’s copy: a stale one must not be read',
    tags: ['hmm:exclusive'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 1 });
      for (let round = 0; round < 5; round++) {
        await t.space.write(area.address, pattern(round, 64));
        await area.expectDevice(0, pattern(round, 64), `what the CPU wrote in round ${round}`);
      }
    },
  },
  {
    name: 'cpu-read-leaves-a-copy',
    rule: 'AddressSpace.acquire: for reading it writes a dirty page home and leaves the device a read-only copy',
    mend: 'protect must take the write right away and report the dirty bit in one step',
    needs: ['read-only-maps'],
    variants: ['plain', 'small', 'subrange'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 1 });
      await t.mirror.write(area.address, pattern(1, 64));
      await area.expectCpu(0, pattern(1, 64), 'what the device wrote');
      const [flags = 0] = t.mirror.residency(area.address, t.pageSize);
      ok((flags & ON_HOST) !== 0 && (flags & WRITABLE) === 0, `host current, device read-only at most: flags ${flags}`);
      await t.mirror.write(area.address, pattern(2, 64));
      await area.expect(0, pattern(2, 64), 'a store after the CPU read');
    },
  },
  {
    name: 'two-readers-one-writer',
    rule: 'R3: copies on several devices are for reading; a writer ends them all',
    mend: 'unmap and flush every other copy before the store passes',
    tags: ['hmm:double_map'],
    variants: ['plain', 'small', 'subrange', 'second'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const other = await t.attachAnother();
      const area = await t.map({ pages: 2 });
      await t.space.write(area.address, pattern(1, 64));
      await t.mirror.read(area.address, 64);
      await other.read(area.address, 64);
      await t.mirror.migrate(area.address, area.bytes, 'device');
      await area.expect(0, pattern(1, 64), 'the page after one device took it');
      await other.write(area.address, pattern(2, 64));
      await area.expect(0, pattern(2, 64), 'the page after the other device wrote it');
    },
  },
  {
    name: 'read-mostly-advice',
    rule: 'Advice.readMostly: a hint, which changes speed and never results',
    mend: 'nothing of the device may depend on it',
    tags: ['igt:madvise'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3 });
      await t.space.advise(area.address, area.bytes, { readMostly: true });
      await t.space.write(area.address, pattern(1, area.bytes));
      await area.expect(0, pattern(1, area.bytes).slice(0, 64), 'read');
      await t.mirror.write(area.at(0), pattern(2, 64));
      await area.expect(0, pattern(2, 64), 'written on the device');
      await t.space.write(area.at(0), pattern(3, 64));
      await area.expect(0, pattern(3, 64), 'written on the CPU');
    },
  },
  {
    name: 'placement-advice',
    rule: 'Advice.preferredLocation, accessedBy: hints, which change speed and never results',
    mend: 'nothing of the device may depend on them',
    tags: ['igt:madvise'],
    cross: { advice: ['host', 'device', 'accessedBy'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3 });
      const { advice } = env.params;
      if (advice === 'accessedBy') await t.space.advise(area.address, area.bytes, { accessedBy: [t.mirror] });
      else await t.space.advise(area.address, area.bytes, { preferredLocation: advice === 'host' ? 'host' : t.mirror });
      for (let round = 0; round < 3; round++) {
        await t.mirror.write(area.at(1), pattern(round, 64));
        await area.expectCpu(1, pattern(round, 64), `device write ${round}`);
        await t.space.write(area.at(1), pattern(10 + round, 64));
        await area.expectDevice(1, pattern(10 + round, 64), `CPU write ${round}`);
      }
    },
  },
  {
    name: 'pinned-to-the-device',
    rule: 'Advice.pin: the pages stay on the mirror’s device; memory stays coherent',
    mend: 'R7: never lose a pinned page’s frame',
    tags: ['igt:mlock', 'hmm:hmm_gup_test'],
    needs: ['frames:8'],
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 8 });
      const pinned = await t.map({ pages: 2 });
      await t.mirror.write(pinned.address, pattern(1, 64));
      await t.space.advise(pinned.address, pinned.bytes, { pin: t.mirror });
      const area = await t.map({ pages: 12 });
      for (let page = 0; page < 12; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      const flags = t.mirror.residency(pinned.address, pinned.bytes);
      ok(
        flags.every((each) => (each & ON_DEVICE) !== 0),
        `pinned pages stay on the device: flags ${flags.join(', ')}`,
      );
      await t.space.advise(pinned.address, pinned.bytes, { pin: null });
      await pinned.expect(0, pattern(1, 64), 'the pinned page');
      for (let page = 0; page < 12; page++) await area.expectCpu(page, pattern(page, 64), `page ${page}`);
    },
  },
]);
