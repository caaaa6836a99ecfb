import type { ByteSource } from '@mirrorspace/core';
import { defineCases } from '../../case.js';
import { bytesEqual, equal, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { SpaceRig } from '../../space-rig.js';

/** A file in memory that counts and can fail. */
export interface TestFile extends ByteSource {
  readonly content: Uint8Array;
  reads: number;
  failing: boolean;
}

/** A file of `bytes` bytes whose content depends on the seed. */
export function createFile(seed: number, bytes: number): TestFile {
  const content = pattern(seed, bytes);
  return {
    content,
    size: bytes,
    reads: 0,
    failing: false,
    async read(offset, into) {
      await Promise.resolve();
      if (this.failing) throw new Error('the disk is on fire');
      this.reads++;
      into.set(content.subarray(offset, offset + into.length));
    },
    async write(offset, from) {
      await Promise.resolve();
      content.set(from.subarray(0, Math.max(0, content.length - offset)), offset);
    },
  };
}

export const file = defineCases({ level: 'mirror', area: 'file' }, [
  {
    name: 'read',
    rule: 'MapOptions.source: a device fault brings the bytes of the source',
    mend: 'a fault may take as long as a file read: the access stays stalled',
    tags: ['hmm:file_read'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const source = createFile(1, 4 * t.pageSize);
      const area = await t.map({ pages: 4, source });
      for (const page of [2, 0, 3]) {
        await area.expectDevice(page, source.content.slice(page * t.pageSize, page * t.pageSize + 128), `page ${page}`);
      }
      await area.expectCpu(
        1,
        source.content.slice(t.pageSize, t.pageSize + 128),
        'a page that the device did not touch',
      );
    },
  },
  {
    name: 'write-reaches-the-file',
    rule: 'AddressSpace.sync: what the device wrote to a shared region reaches the source',
    mend: 'report the dirty bit: a clean page is not written back',
    tags: ['hmm:file_write'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const source = createFile(1, 3 * t.pageSize);
      const area = await t.map({ pages: 3, source, share: 'shared' });
      await t.mirror.write(area.at(1, 40), pattern(2, 64));
      await t.space.write(area.at(2, 40), pattern(3, 64));
      await t.space.sync(area.address, area.bytes);
      bytesEqual(
        source.content.slice(t.pageSize + 40, t.pageSize + 104),
        pattern(2, 64),
        'what the device wrote, in the file',
      );
      bytesEqual(
        source.content.slice(2 * t.pageSize + 40, 2 * t.pageSize + 104),
        pattern(3, 64),
        'what the CPU wrote, in the file',
      );
      bytesEqual(
        source.content.slice(0, t.pageSize),
        pattern(1, 3 * t.pageSize).slice(0, t.pageSize),
        'the page that nobody wrote',
      );
    },
  },
  {
    name: 'written-again-after-sync',
    rule: 'R2: a store after a sync is dirty again',
    mend: 'set BIT_DIRTY anew after it was reported',
    tags: ['hmm:file_write'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const source = createFile(1, t.pageSize);
      const area = await t.map({ pages: 1, source, share: 'shared' });
      for (let round = 0; round < 4; round++) {
        await t.mirror.write(area.at(0, 8 * round), pattern(10 + round, 8));
        await t.space.sync(area.address, area.bytes);
        bytesEqual(
          source.content.slice(8 * round, 8 * round + 8),
          pattern(10 + round, 8),
          `store ${round} in the file`,
        );
      }
    },
  },
  {
    name: 'private-copy',
    rule: 'MapOptions.share: what is written to a private region never reaches the source',
    mend: 'nothing of the device is involved but whole pages: see copyOut',
    tags: ['hmm:migrate_file_private'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const source = createFile(1, 2 * t.pageSize);
      const before = source.content.slice();
      const area = await t.map({ pages: 2, source });
      await t.mirror.write(area.at(0, 8), pattern(2, 64));
      await t.mirror.migrate(area.address, area.bytes, 'device').catch(() => undefined);
      await t.mirror.write(area.at(1), pattern(3, 64));
      await area.expect(0, before.slice(0, 8), 'bytes of the file beside the store');
      await area.expect(0, pattern(2, 64), 'what the device stored', 8);
      await t.space.unmap(area.address, area.bytes);
      bytesEqual(source.content, before, 'the file');
    },
  },
  {
    name: 'tail',
    rule: 'ByteSource.size: a region may reach to the end of its last page, where reads give zeros',
    mend: 'copy whole pages in; frames hold what was there before otherwise',
    async run(env) {
      const t = await SpaceRig.open(env);
      const source = createFile(1, t.pageSize + 100);
      const area = await t.map({ pages: 2, source });
      const expected = new Uint8Array(t.pageSize);
      expected.set(source.content.slice(t.pageSize));
      await area.expect(1, expected, 'the last page');
    },
  },
  {
    name: 'failing-source',
    rule: 'IO: a byte source failed: the access fails, returns no data, and may be tried again',
    mend: 'cancelFaults with the code IO must fail the access',
    async run(env) {
      const t = await SpaceRig.open(env);
      const source = createFile(1, 2 * t.pageSize);
      source.failing = true;
      const area = await t.map({ pages: 2, source });
      await rejects(t.mirror.read(area.address, 64), ['IO'], 'a device read while the source fails');
      await rejects(t.space.read(area.address, 64), ['IO'], 'a CPU read while the source fails');
      source.failing = false;
      await area.expect(0, source.content.slice(0, 64), 'the page once the source works');
    },
  },
  {
    name: 'one-file-mapped-twice',
    rule: 'ByteSource: mapping the same object twice shares one page cache',
    mend: 'a frame may be mapped by several entries on purpose (PTE_SHARED)',
    tags: ['hmm:anon_write_child_shared'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const source = createFile(1, 2 * t.pageSize);
      const one = await t.map({ pages: 2, source, share: 'shared' });
      const two = await t.map({ pages: 2, source, share: 'shared' });
      await t.mirror.write(one.address, pattern(2, 64));
      await two.expectDevice(0, pattern(2, 64), 'the page through the second mapping');
      await t.mirror.write(two.address, pattern(3, 64));
      await one.expect(0, pattern(3, 64), 'the page through the first mapping');
    },
  },
  {
    name: 'mixed-with-anonymous',
    rule: 'R2: one access over pages of a file and anonymous pages',
    mend: 'serve each page of an access by itself',
    tags: ['hmm:mixedmap'],
    variants: ['plain', 'small', 'second', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3 });
      const source = createFile(1, t.pageSize);
      await t.space.write(area.at(0), pattern(7, t.pageSize));
      t.space.map({ bytes: t.pageSize, address: area.at(1), fixed: true, source });
      const bytes = await t.mirror.read(area.at(0), area.bytes);
      bytesEqual(bytes.slice(0, t.pageSize), pattern(7, t.pageSize), 'the anonymous page');
      bytesEqual(bytes.slice(t.pageSize, 2 * t.pageSize), source.content, 'the page of the file');
      bytesEqual(bytes.slice(2 * t.pageSize), new Uint8Array(t.pageSize), 'the untouched page');
    },
  },
  {
    name: 'offset',
    rule: 'MapOptions.offset: of the region’s first byte in the source',
    mend: 'nothing of the device is involved but the addresses',
    tags: ['hmm:file_read'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const source = createFile(1, 4 * t.pageSize);
      const area = await t.map({ pages: 2, source, offset: 2 * t.pageSize });
      await area.expect(0, source.content.slice(2 * t.pageSize, 2 * t.pageSize + 64), 'the first page of the region');
      const { reads } = source;
      await t.mirror.read(area.address, 64);
      equal(source.reads, reads, 'reads of the source for a page that is there');
    },
  },
]);
