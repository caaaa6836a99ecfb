import type { ByteSource } from '@mirrorspace/core';
import { defineCases } from '../../case.js';
import { bytesEqual, equal, nameOf, ok, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { PageSpan } from '../../page-span.js';
import { SpaceRig } from '../../space-rig.js';

/** A file in memory that can be made shorter, and longer. */
export class ElasticFile implements ByteSource {
  readonly content: Uint8Array;
  size: number;

  constructor(seed: number, bytes: number) {
    this.content = pattern(seed, bytes);
    this.size = bytes;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    await Promise.resolve();
    into.set(this.content.subarray(offset, offset + into.length));
  }

  async write(offset: number, from: Uint8Array): Promise<void> {
    await Promise.resolve();
    if (offset + from.length > this.size) throw new RangeError('a write behind the end');
    this.content.set(from, offset);
  }

  async truncate(size: number): Promise<void> {
    await Promise.resolve();
    this.size = size;
    this.content.fill(0, size);
  }
}

/** Most accesses of a device that is kept busy. */
const BUSY = 200;

/** Has the device load or store the same 64 bytes, those of pattern 2, all the time until the returned function is called. */
function keepBusy({ mirror }: SpaceRig, address: number, how: string | number | undefined): () => Promise<void> {
  let going = how !== 'no';
  const run = async () => {
    for (let i = 0; going && i < BUSY; i++) {
      if (how === 'loads') await mirror.read(address, 64);
      else await mirror.write(address, pattern(2, 64));
    }
  };
  const running = run();
  return () => {
    going = false;
    return running;
  };
}

const GONE = 'an unmapped page number leads nowhere after flushTlb, whatever its frame holds';
const IO = ['IO'];

export const truncation = defineCases({ level: 'mirror', area: 'file', tags: ['rfc:intercept'] }, [
  {
    name: 'truncated-device-copies',
    rule: 'R1, AddressSpace.truncate: what a device had of the pages behind the end is gone, also when the file grows again',
    mend: GONE,
    cross: { had: ['read', 'written', 'migrated'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const source = new ElasticFile(1, 4 * t.pageSize);
      const area = await t.map({ pages: 4, source, share: 'shared' });
      const { had } = env.params;
      if (had === 'read') await t.mirror.read(area.address, area.bytes);
      else if (had === 'written') await t.mirror.write(area.address, pattern(2, area.bytes));
      else await t.mirror.migrate(area.address, area.bytes, 'device');
      await t.space.truncate(source, 2 * t.pageSize);
      for (const page of [2, 3]) {
        await rejects(t.mirror.read(area.at(page), 8), IO, `a device read of page ${page}`);
        await rejects(t.mirror.write(area.at(page), pattern(3, 8)), IO, `a device store to page ${page}`);
        await rejects(t.space.read(area.at(page), 8), IO, `a CPU read of page ${page}`);
      }
      source.size = 4 * t.pageSize;
      for (const page of [2, 3]) await area.expect(page, new Uint8Array(t.pageSize), `page ${page}, longer again`);
      const kept = pattern(had === 'written' ? 2 : 1, area.bytes);
      for (const page of [0, 1])
        await area.expect(page, kept.slice(page * t.pageSize, (page + 1) * t.pageSize), `page ${page} before the end`);
    },
  },
  {
    name: 'truncated-tail',
    rule: 'R2, AddressSpace.truncate: the rest of the last page becomes zeros, wherever the page is, and also while a device uses it',
    mend: 'report the dirty bit, and copy whole pages in and out',
    cross: { where: ['host', 'device'], busy: ['no', 'loads', 'stores'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const source = new ElasticFile(1, 2 * t.pageSize);
      const area = await t.map({ pages: 2, source, share: 'shared' });
      const who = env.params['where'] === 'host' ? t.space : t.mirror;
      await who.write(area.at(1), pattern(2, t.pageSize));
      await t.mirror.read(area.at(0), 64);
      const ended = keepBusy(t, area.at(1), env.params['busy']);
      await t.space.truncate(source, t.pageSize + 100);
      await ended();
      const expected = new Uint8Array(t.pageSize);
      expected.set(pattern(2, t.pageSize).subarray(0, 100));
      await area.expect(1, expected, 'the last page');
      await t.mirror.write(area.at(1, 90), pattern(3, 20));
      expected.set(pattern(3, 20), 90);
      await area.expect(1, expected, 'the last page after a store over the end');
      await t.space.sync(area.address, area.bytes);
      bytesEqual(source.content.slice(t.pageSize, t.pageSize + 100), expected.slice(0, 100), 'the end of the file');
      equal(source.size, t.pageSize + 100, 'bytes of the file');
    },
  },
  {
    name: 'truncated-to-more',
    rule: 'R2, AddressSpace.truncate: a file that grows shows zeros behind its old end, whatever was stored there in its last page',
    mend: 'report the dirty bit, and copy whole pages in and out',
    cross: { by: ['device', 'cpu'], busy: ['no', 'loads', 'stores'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const source = new ElasticFile(1, 3 * t.pageSize);
      const area = await t.map({ pages: 3, source, share: 'shared' });
      await t.mirror.write(area.at(1), pattern(2, t.pageSize));
      await t.space.truncate(source, t.pageSize + 100);
      await (env.params['by'] === 'cpu' ? t.space : t.mirror).write(area.at(1, 90), pattern(3, 50));
      const ended = keepBusy(t, area.at(1), env.params['busy']);
      await t.space.truncate(source, 3 * t.pageSize);
      await ended();
      const expected = new Uint8Array(t.pageSize);
      expected.set(pattern(2, t.pageSize).subarray(0, 90));
      expected.set(pattern(3, 50).subarray(0, 10), 90);
      await area.expect(1, expected, 'the page in which the file ended');
      await area.expect(2, new Uint8Array(t.pageSize), 'the page behind it');
      await t.space.sync(area.address, area.bytes);
      bytesEqual(source.content.slice(t.pageSize, 2 * t.pageSize), expected, 'that page of the file');
    },
  },
  {
    name: 'truncated-behind-dirty-pages',
    rule: 'R2, AddressSpace.truncate: what the device wrote before the end reaches the file, and nothing behind it does',
    mend: 'report the dirty bit of each page by itself',
    async run(env) {
      const t = await SpaceRig.open(env);
      const source = new ElasticFile(1, 4 * t.pageSize);
      const area = await t.map({ pages: 4, source, share: 'shared' });
      for (let page = 0; page < 4; page++) await t.mirror.write(area.at(page), pattern(10 + page, 64));
      await t.space.truncate(source, 2 * t.pageSize);
      await t.mirror.write(area.at(1, 64), pattern(20, 64));
      await t.space.unmap(area.address, area.bytes);
      for (const page of [0, 1])
        bytesEqual(
          source.content.slice(page * t.pageSize).slice(0, 64),
          pattern(10 + page, 64),
          `page ${page} of the file`,
        );
      bytesEqual(source.content.slice(t.pageSize + 64).slice(0, 64), pattern(20, 64), 'what was written afterwards');
      bytesEqual(source.content.slice(2 * t.pageSize), new Uint8Array(2 * t.pageSize), 'what is behind the end');
    },
  },
  {
    name: 'truncated-private-copies',
    rule: 'R1, AddressSpace.truncate: private copies of pages behind the end are gone, in every space that has some',
    mend: GONE,
    cross: { by: ['device', 'cpu'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const source = new ElasticFile(1, 3 * t.pageSize);
      const area = await t.map({ pages: 3, source });
      const who = env.params['by'] === 'device' ? t.mirror : t.space;
      for (let page = 0; page < 3; page++) await who.write(area.at(page), pattern(10 + page, 64));
      const child = await t.space.fork();
      env.defer(() => child.close());
      const mirror = await child.attach(t.device, { prefetch: 'none', timeoutMs: env.waitMs });
      env.defer(() => mirror.detach());
      const copy = new PageSpan({ space: child, mirror, pageSize: t.pageSize }, area.address, 3);
      await mirror.write(copy.at(2, 64), pattern(20, 64));
      await t.space.truncate(source, 2 * t.pageSize);
      for (const each of [t.mirror, t.space, mirror, child])
        await rejects(each.read(area.at(2), 8), IO, 'a read of a private copy behind the end');
      for (const span of [area, copy])
        for (const page of [0, 1])
          await span.expect(page, pattern(10 + page, 64), `private page ${page} before the end`);
      source.size = 3 * t.pageSize;
      for (const span of [area, copy])
        await span.expect(2, new Uint8Array(t.pageSize), 'the page when the file is longer');
    },
  },
  {
    name: 'truncated-beside-stores',
    rule: 'R8, R2, AddressSpace.truncate: stores beside it end: those before the end take effect, those behind fail with IO or came first',
    mend: 'cancelFaults with the code IO must fail the access',
    async run(env) {
      const t = await SpaceRig.open(env);
      const source = new ElasticFile(1, 4 * t.pageSize);
      const area = await t.map({ pages: 4, source, share: 'shared' });
      await t.mirror.read(area.address, area.bytes);
      const stores = [0, 1, 2, 3].map((page) =>
        t.mirror.write(area.at(page), pattern(30 + page, 64)).then(
          () => 'stored',
          (error: unknown) => nameOf(error),
        ),
      );
      const truncated = t.space.truncate(source, 2 * t.pageSize);
      const ends = await env.expect('stores beside a truncation', Promise.all(stores));
      await truncated;
      for (const page of [0, 1]) equal(ends[page], 'stored', `the store to page ${page}`);
      for (const page of [2, 3])
        ok(['stored', 'IO'].includes(ends[page]!), `page ${page}: stored or IO, not ${ends[page]}`);
      for (const page of [0, 1]) await area.expect(page, pattern(30 + page, 64), `page ${page}`);
      source.size = 4 * t.pageSize;
      for (const page of [2, 3])
        await area.expect(page, new Uint8Array(t.pageSize), `page ${page} when the file is longer`);
    },
  },
]);
