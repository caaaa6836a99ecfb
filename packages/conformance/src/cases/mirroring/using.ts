import { defineCases } from '../../case.js';
import { bytesEqual, deepEqual, equal, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { SpaceRig } from '../../space-rig.js';
import { onDevice, plain, VARIANTS } from './plain.js';

const needs = ['mmu:mirroring', 'frames:4'];

export const accesses = defineCases({ level: 'mirror', area: 'mapping', needs }, [
  {
    name: 'process-access',
    rule: 'Mirror.read, write, fill: any bytes, across pages; bytes beside them stay',
    mend: 'keep what a page has beside the bytes that are written',
    tags: ['hmm:anon_read', 'hmm:anon_write'],
    cross: { where: ['host', 'device'] },
    variants: VARIANTS,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      const bytes = plain(t, area);
      bytes.set(pattern(1, area.bytes));
      const expected = pattern(1, area.bytes);
      if (env.params['where'] === 'device') await t.mirror.migrate(area.address, area.bytes, 'device');
      const at = t.pageSize - 3;
      await t.mirror.write(area.at(0, at), pattern(2, t.pageSize + 9));
      expected.set(pattern(2, t.pageSize + 9), at);
      await t.mirror.fill(area.at(3, 1), 5, 0x77);
      expected.fill(0x77, 3 * t.pageSize + 1, 3 * t.pageSize + 6);
      bytesEqual(await t.mirror.read(area.address, area.bytes), expected, 'all bytes, read by the device');
      bytesEqual(bytes.slice(), expected, 'all bytes, loaded by the CPU');
    },
  },
  {
    name: 'process-unmap',
    rule: 'AddressSpace.unmap: no device reaches what was unmapped; what is beside it stays',
    mend: 'check the regions before each access',
    tags: ['hmm:anon_teardown', 'hmm:migrate_mixed'],
    variants: VARIANTS,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 5 });
      plain(t, area).set(pattern(4, area.bytes));
      await t.mirror.migrate(area.address, area.bytes, 'device');
      await t.space.unmap(area.at(2), t.pageSize);
      await rejects(t.mirror.read(area.at(2), 8), ['ADDRESS_NOT_MAPPED'], 'a read of the hole');
      await rejects(t.mirror.write(area.at(1), pattern(1, 2 * t.pageSize)), ['ADDRESS_NOT_MAPPED'], 'a write across');
      await rejects(t.mirror.migrate(area.address, area.bytes, 'device'), ['ADDRESS_NOT_MAPPED'], 'a migration across');
      const all = pattern(4, area.bytes);
      for (const page of [0, 1, 3, 4])
        await area.expect(page, all.slice(page * t.pageSize, page * t.pageSize + 64), `page ${page}`);
    },
  },
  {
    name: 'process-moved-region',
    rule: 'AddressSpace.remap: a device finds a region by its address in the space, wherever the process has it',
    mend: 'translate addresses of the space by its regions',
    variants: ['plain'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const region = t.space.map({ bytes: 2 * t.pageSize });
      const { address, bytes } = region;
      region.array(Uint8Array).set(pattern(6, bytes));
      const target = t.space.map({ bytes }).address;
      await t.space.remap(address, bytes, { address: target });
      bytesEqual(await t.mirror.read(target, bytes), pattern(6, bytes), 'what is at the new address');
      await rejects(t.mirror.read(address, 8), ['ADDRESS_NOT_MAPPED'], 'a read at the old address');
    },
  },
]);

export const holds = defineCases({ level: 'mirror', area: 'devices', needs }, [
  {
    name: 'process-hold',
    rule: 'AddressSpace.acquire: what the CPU holds no device changes, one that was writing before neither',
    mend: 'let no hold begin before the fence of an access has settled',
    variants: ['plain', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      for (let round = 1; round <= 8; round++) {
        const written = env.expect('a write', t.mirror.write(area.address, new Uint8Array(area.bytes).fill(round)));
        for (let turn = 0; turn < round; turn++) await env.turn();
        const held = await t.space.acquire(area.address, area.bytes, 'write');
        const seen = held.bytes.slice();
        await env.quiet(t.device);
        bytesEqual(held.bytes, seen, `what was held in round ${round}`);
        held.bytes.fill(0x80 + round, 0, t.pageSize);
        held.release();
        await written;
        const [first] = await t.mirror.read(area.address, 1);
        equal(first === round || first === 0x80 + round, true, `the first byte is what somebody wrote last`);
      }
    },
  },
]);

export const rights = defineCases({ level: 'mirror', area: 'protection', needs }, [
  {
    name: 'process-rights',
    rule: 'AddressSpace.protect: the rights of regions hold for devices that mirror the process',
    mend: 'check the regions before each access',
    tags: ['hmm:anon_read_prot', 'hmm:anon_write_prot'],
    variants: VARIANTS,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      await t.mirror.write(area.address, pattern(1, 64));
      await t.space.protect(area.address, area.bytes, 'read');
      await rejects(t.mirror.write(area.address, pattern(2, 64)), ['ACCESS_DENIED'], 'a write');
      bytesEqual(await t.mirror.read(area.address, 64), pattern(1, 64), 'what may be read');
      await t.space.protect(area.address, area.bytes, 'none');
      await rejects(t.mirror.read(area.address, 64), ['ACCESS_DENIED'], 'a read');
      await t.space.protect(area.address, area.bytes, 'read-write');
      await t.mirror.write(area.at(1), pattern(3, 64));
      await area.expect(0, pattern(1, 64), 'what nobody changed');
    },
  },
]);

export const sharing = defineCases({ level: 'mirror', area: 'fork', needs }, [
  {
    name: 'process-fork',
    rule: 'AddressSpace.fork: live regions are shared, on devices as for the CPU',
    mend: 'mirrors of both spaces use the same memory of the process',
    tags: ['hmm:anon_write_child_shared'],
    variants: ['plain'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      await t.mirror.write(area.address, pattern(1, 64));
      const child = await t.space.fork();
      const mirror = await child.attach(t.device, { prefetch: 'none', timeoutMs: env.waitMs });
      bytesEqual(await mirror.read(area.address, 64), pattern(1, 64), 'what the child sees');
      await mirror.write(area.at(1), pattern(2, 64));
      await area.expect(1, pattern(2, 64), 'what the child wrote');
      await child.close();
      await area.expect(0, pattern(1, 64), 'what stays when the child ends');
    },
  },
]);

export const taking = defineCases({ level: 'mirror', area: 'exclusive', needs }, [
  {
    name: 'process-exclusive',
    rule: 'Mirror.exclusive: pages are the device’s alone until the CPU touches them',
    mend: 'give exclusive pages back when the CPU faults',
    tags: ['hmm:exclusive'],
    variants: VARIANTS,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3 });
      const bytes = plain(t, area);
      bytes.set(pattern(5, area.bytes));
      equal(await t.mirror.exclusive(area.address, area.bytes), 3, 'pages taken');
      deepEqual(bytes.slice(0, 64), pattern(5, area.bytes).slice(0, 64), 'what the CPU loads');
      bytes.set(pattern(6, 64), t.pageSize);
      await area.expect(1, pattern(6, 64), 'what the CPU stored');
      await area.expect(2, pattern(5, area.bytes).slice(2 * t.pageSize, 2 * t.pageSize + 64), 'what nobody stored to');
    },
  },
]);

export const together = defineCases({ level: 'mirror', area: 'devices', needs }, [
  {
    name: 'process-two-devices',
    rule: 'R3: a page is in one place; what one device has another can read, and take',
    mend: 'call a page home from the device that has it before it moves',
    tags: ['hmm:migrate_mixed', 'hmm:double_map'],
    variants: ['plain', 'subrange'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const other = await t.attachAnother();
      const area = await t.map({ pages: 3 });
      plain(t, area).set(pattern(8, area.bytes));
      equal(await t.mirror.migrate(area.address, area.bytes, 'device'), 3, 'pages on the first device');
      bytesEqual(await other.read(area.address, area.bytes), pattern(8, area.bytes), 'read by the second device');
      equal(await other.migrate(area.address, area.bytes, 'device'), 3, 'pages on the second device');
      equal(onDevice(t, area), 0, 'pages that the first device has still');
      await other.write(area.at(1), pattern(9, 64));
      await area.expect(1, pattern(9, 64), 'what the second device wrote');
    },
  },
]);

export const ends = defineCases({ level: 'mirror', area: 'teardown', needs }, [
  {
    name: 'process-detach',
    rule: 'Mirror.detach: what is on the device comes home',
    mend: 'move pages before the page table goes',
    tags: ['hmm:migrate_release', 'hmm:open_close'],
    variants: ['plain', 'subrange'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3 });
      plain(t, area).set(pattern(3, area.bytes));
      await t.mirror.migrate(area.address, area.bytes, 'device');
      await t.mirror.detach();
      bytesEqual(plain(t, area).slice(), pattern(3, area.bytes), 'what the CPU loads');
      await rejects(t.mirror.read(area.address, 8), ['CLOSED'], 'a read by the mirror');
      const again = await t.space.attach(t.device, { prefetch: 'none', timeoutMs: env.waitMs });
      bytesEqual(await again.read(area.address, area.bytes), pattern(3, area.bytes), 'read by another mirror');
    },
  },
]);

export const losses = defineCases({ level: 'mirror', area: 'loss', needs: [...needs, 'inject:lose'] }, [
  {
    name: 'process-loss',
    rule: 'R10: the system takes home what a device that mirrors the process had: nothing is lost',
    mend: 'release the device’s memory through the driver',
    variants: ['plain', 'subrange'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3 });
      plain(t, area).set(pattern(3, area.bytes));
      await t.mirror.migrate(area.address, area.bytes, 'device');
      env.lose(t.device);
      const { ranges, error } = await t.mirror.lost;
      deepEqual([error.code, ranges.length], ['DEVICE_LOST', 0], 'what was lost');
      bytesEqual(plain(t, area).slice(), pattern(3, area.bytes), 'what the CPU loads');
      await rejects(t.mirror.read(area.address, 8), ['DEVICE_LOST'], 'a read by the mirror');
    },
  },
]);
