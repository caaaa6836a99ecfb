import type { AddressSpace, Mirror } from '@mirrorspace/core';
import { defineCases } from '../../case.js';
import { bytesEqual, equal, ok, rejects } from '../../check.js';
import type { Env } from '../../env.js';
import { pattern } from '../../frames.js';
import { PageSpan } from '../../page-span.js';
import { ON_DEVICE, SpaceRig } from '../../space-rig.js';

const KEEP_APART = 'an entry that was read-only is gone after unmap and flushTlb, in each MMU by itself';

/** Two spaces on one host memory and one device, with mergeable pages of the same content. */
interface Sharers {
  readonly t: SpaceRig;
  readonly area: PageSpan;
  readonly other: AddressSpace;
  readonly mirror: Mirror;
  /** The pages of the other space. */
  readonly copy: PageSpan;
}

/** Sets both spaces up; page `i` holds `contentOf(t, i)` in both. */
async function setUp(env: Env, pages: number): Promise<Sharers> {
  const t = await SpaceRig.open(env);
  const other = await t.space.fork();
  const mirror = await other.attach(t.device, { prefetch: 'none', timeoutMs: env.waitMs });
  env.defer(async () => {
    await mirror.detach();
    await other.close();
  });
  const area = await t.map({ pages, share: 'private' });
  const { address } = other.map({ bytes: pages * t.pageSize, share: 'private' });
  const copy = new PageSpan({ space: other, mirror, pageSize: t.pageSize }, address, pages);
  await t.space.advise(area.address, area.bytes, { mergeable: true });
  await other.advise(address, area.bytes, { mergeable: true });
  for (let page = 0; page < pages; page++) {
    await t.space.write(area.at(page), contentOf(t, page));
    await other.write(copy.at(page), contentOf(t, page));
  }
  return { t, area, other, mirror, copy };
}

const contentOf = (t: SpaceRig, page: number): Uint8Array => pattern(100 + page, t.pageSize);

/** The content of a page with its first bytes replaced. */
function changed(t: SpaceRig, page: number, by: Uint8Array): Uint8Array {
  const bytes = contentOf(t, page);
  bytes.set(by);
  return bytes;
}

/** Runs a pass and fails unless it merged and refused as many entries. */
async function merge(t: SpaceRig, merged: number, refused: number, what: string): Promise<void> {
  const result = await t.space.merge();
  equal(result.merged, merged, `entries merged ${what}`);
  equal(result.refused, refused, `entries refused ${what}`);
}

/** Both sides of both spaces read what they did before. */
async function expectAlike({ t, area, copy }: Sharers, what: string): Promise<void> {
  for (let page = 0; page < area.pages; page++) {
    await area.expect(page, contentOf(t, page), `page ${page} ${what}`);
    await copy.expect(page, contentOf(t, page), `page ${page} of the other space ${what}`);
  }
}

export const merging = defineCases({ level: 'mirror', area: 'merge', tags: ['rfc:ksm'] }, [
  {
    name: 'equal-pages-become-one',
    rule: 'AddressSpace.merge: what CPU and devices read stays the same',
    mend: 'nothing of the device may depend on which host frame holds a page',
    async run(env) {
      const s = await setUp(env, 3);
      await merge(s.t, 3, 0, 'of three equal pairs');
      await expectAlike(s, 'after merging');
      await merge(s.t, 0, 6, 'while the device has them');
    },
  },
  {
    name: 'cpu-write',
    rule: 'AddressSpace.merge: a write through one entry gives it a copy; the others keep what was there',
    mend: KEEP_APART,
    cross: { by: ['first', 'other'], read: ['before', 'after'] },
    async run(env) {
      const s = await setUp(env, 2);
      const { t, area, copy } = s;
      await merge(t, 2, 0, 'of two equal pairs');
      if (env.params['read'] === 'before') await expectAlike(s, 'before the write');
      const [writer, keeper] = env.params['by'] === 'first' ? [area, copy] : [copy, area];
      const space = writer === area ? t.space : s.other;
      await space.write(writer.at(0), pattern(1, 64));
      await keeper.expect(0, contentOf(t, 0), 'the page of the space that wrote nothing');
      await writer.expect(0, changed(t, 0, pattern(1, 64)), 'the page of the space that wrote');
      await keeper.expect(1, contentOf(t, 1), 'the page beside it');
    },
  },
  {
    name: 'device-write',
    rule: 'AddressSpace.merge: a store of the device to a merged page reaches one space only; needs read-only-maps',
    mend: 'fault on stores to entries without PTE_WRITE, also where another MMU maps the frame',
    cross: { by: ['first', 'other'], read: ['before', 'after'] },
    async run(env) {
      const s = await setUp(env, 2);
      const { t, area, copy } = s;
      await merge(t, 2, 0, 'of two equal pairs');
      if (env.params['read'] === 'before') await expectAlike(s, 'before the store');
      const [writer, keeper] = env.params['by'] === 'first' ? [area, copy] : [copy, area];
      const mirror = writer === area ? t.mirror : s.mirror;
      await mirror.write(writer.at(0), pattern(1, 64));
      await keeper.expect(0, contentOf(t, 0), 'the page of the space that stored nothing');
      await writer.expect(0, changed(t, 0, pattern(1, 64)), 'the page of the space that stored');
      await mirror.write(writer.at(1), pattern(2, 64));
      await keeper.expect(1, contentOf(t, 1), 'the second page of the space that stored nothing');
    },
  },
  {
    name: 'one-frame',
    rule: 'AddressSpace.merge: what two spaces on one device share is in its memory once',
    mend: 'let entries of several MMUs lead to one frame',
    needs: ['read-only-maps'],
    async run(env) {
      const { t, area, copy, mirror } = await setUp(env, 2);
      await merge(t, 2, 0, 'of two equal pairs');
      for (let page = 0; page < 2; page++) {
        await area.expectDevice(page, contentOf(t, page), `page ${page}`);
        await copy.expectDevice(page, contentOf(t, page), `page ${page} of the other space`);
      }
      equal(t.mirror.stats.bytesIn + mirror.stats.bytesIn, area.bytes, 'bytes copied in for both spaces');
    },
  },
  {
    name: 'in-use-by-the-device',
    rule: 'R5, AddressSpace.merge: pages in use by a device are refused while they are, and merged afterwards',
    mend: 'take entries away and flush before the fence of the migration signals',
    cross: { how: ['read', 'written', 'migrated', 'exclusive'] },
    async run(env) {
      const s = await setUp(env, 2);
      const { t, area, copy } = s;
      const { how } = env.params;
      if (how === 'read') await t.mirror.read(area.address, area.bytes);
      else if (how === 'written') await t.mirror.write(area.address, contentOf(t, 0));
      else if (how === 'migrated') await t.mirror.migrate(area.address, area.bytes, 'device');
      else await t.mirror.exclusive(area.address, area.bytes);
      const used = t.mirror.residency(area.address, area.bytes).filter((flags) => (flags & ON_DEVICE) !== 0).length;
      ok(used > 0, 'the device has pages');
      await merge(t, 2 - used, used, 'while the device uses them');
      await t.mirror.migrate(area.address, area.bytes, 'host');
      await merge(t, used, 0, 'when they are home');
      await t.mirror.write(area.at(1), pattern(1, 64));
      await copy.expect(1, contentOf(t, 1), 'the page of the other space');
      await area.expect(0, contentOf(t, 0), 'a page that nobody wrote');
    },
  },
  {
    name: 'pinned',
    rule: 'R5, AddressSpace.merge, Advice.pin: pinned pages are refused, and merged once they may leave',
    mend: 'R7: keep pinned frames as they are',
    needs: ['frames:8'],
    async run(env) {
      const s = await setUp(env, 2);
      const { t, area } = s;
      await t.space.advise(area.address, area.bytes, { pin: t.mirror });
      await merge(t, 0, 2, 'while they are pinned');
      await t.space.advise(area.address, area.bytes, { pin: null });
      await t.mirror.migrate(area.address, area.bytes, 'host');
      await merge(t, 2, 0, 'when they are home');
      await expectAlike(s, 'after merging');
    },
  },
  {
    name: 'held-by-the-cpu',
    rule: 'AddressSpace.merge: pages that the CPU holds are refused, and merged afterwards',
    mend: 'nothing of the device may depend on holds',
    cross: { mode: ['read', 'write'] },
    async run(env) {
      const s = await setUp(env, 2);
      const { t, area } = s;
      const held = await t.space.acquire(area.address, t.pageSize, env.params['mode'] === 'read' ? 'read' : 'write');
      await merge(t, 1, 1, 'while one page is held');
      held.release();
      await merge(t, 1, 0, 'after the release');
      await expectAlike(s, 'after merging');
    },
  },
  {
    name: 'within-a-space',
    rule: 'AddressSpace.merge: entries of one MMU may share a page; a store through one leaves the others',
    mend: 'look rights up by page, not by frame',
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4, share: 'private' });
      await t.space.advise(area.address, area.bytes, { mergeable: true });
      for (let page = 0; page < 4; page++) await t.space.write(area.at(page), contentOf(t, 0));
      await merge(t, 3, 0, 'of four equal pages');
      for (let page = 0; page < 4; page++) await area.expectDevice(page, contentOf(t, 0), `page ${page}`);
      await t.mirror.write(area.at(2), pattern(1, 64));
      await t.space.write(area.at(3), pattern(2, 64));
      for (let page = 0; page < 2; page++) await area.expect(page, contentOf(t, 0), `page ${page}, which nobody wrote`);
      await area.expect(2, changed(t, 0, pattern(1, 64)), 'the page that the device wrote');
      await area.expect(3, changed(t, 0, pattern(2, 64)), 'the page that the CPU wrote');
    },
  },
  {
    name: 'zeros',
    rule: 'AddressSpace.merge: pages of zeros become untouched memory, which reads as zeros',
    mend: 'honour ZERO_FRAME',
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3, share: 'private' });
      await t.space.advise(area.address, area.bytes, { mergeable: true });
      await t.mirror.fill(area.address, area.bytes, 7);
      await t.mirror.fill(area.address, area.bytes, 0);
      await t.mirror.migrate(area.address, area.bytes, 'host');
      await merge(t, 3, 0, 'of three pages of zeros');
      await t.mirror.write(area.at(1), pattern(1, 64));
      const expected = new Uint8Array(t.pageSize);
      for (const page of [0, 2]) await area.expect(page, expected, `page ${page}`);
      expected.set(pattern(1, 64));
      await area.expect(1, expected, 'the page that the device wrote');
    },
  },
  {
    name: 'fork-of-merged-pages',
    rule: 'AddressSpace.merge, AddressSpace.fork: what is merged is copied on write by each of those who share it',
    mend: KEEP_APART,
    async run(env) {
      const s = await setUp(env, 1);
      const { t, area, copy } = s;
      await merge(t, 1, 0, 'of one equal pair');
      await expectAlike(s, 'before the fork');
      const child = await t.space.fork();
      env.defer(() => child.close());
      await t.mirror.write(area.address, pattern(1, 64));
      await child.write(area.address, pattern(2, 64));
      await copy.expect(0, contentOf(t, 0), 'the page of the other space');
      await area.expect(0, changed(t, 0, pattern(1, 64)), 'the page of the parent');
      bytesEqual(
        await child.read(area.address, t.pageSize),
        changed(t, 0, pattern(2, 64)),
        'the page of the child, read on the CPU',
      );
    },
  },
  {
    name: 'one-lets-go',
    rule: 'AddressSpace.merge: whoever unmaps, discards or moves its entry leaves the page to the others',
    mend: 'free a frame only when its last user is gone',
    cross: { how: ['unmap', 'dontNeed', 'remap', 'close'] },
    async run(env) {
      const s = await setUp(env, 2);
      const { t, area, other, copy, mirror } = s;
      const { how } = env.params;
      await merge(t, 2, 0, 'of two equal pairs');
      await expectAlike(s, 'before one lets go');
      if (how === 'unmap') await other.unmap(copy.address, copy.bytes);
      else if (how === 'dontNeed') await other.dontNeed(copy.address, copy.bytes);
      else if (how === 'close') await other.close();
      else {
        const { address } = await other.remap(copy.address, copy.bytes, { address: copy.address + (1 << 30) });
        bytesEqual(await mirror.read(address, t.pageSize), contentOf(t, 0), 'the page at its new place');
      }
      for (let page = 0; page < 2; page++) await area.expect(page, contentOf(t, page), `page ${page} of who is left`);
      if (how === 'dontNeed') await copy.expect(0, new Uint8Array(t.pageSize), 'the page that was discarded');
      await t.mirror.write(area.address, pattern(1, 64));
      await area.expect(0, changed(t, 0, pattern(1, 64)), 'the page after a store');
    },
  },
  {
    name: 'rights',
    rule: 'AddressSpace.merge, RegionAccess: rights are those of the entry, not of the page',
    mend: KEEP_APART,
    async run(env) {
      const s = await setUp(env, 2);
      const { t, area, copy, mirror } = s;
      await t.space.protect(area.address, area.bytes, 'read');
      await merge(t, 2, 0, 'of two equal pairs, one of them for reading');
      await expectAlike(s, 'after merging');
      await rejects(
        t.mirror.write(area.address, pattern(1, 64)),
        ['ACCESS_DENIED'],
        'a store where only reading is allowed',
      );
      await mirror.write(copy.address, pattern(2, 64));
      await area.expect(0, contentOf(t, 0), 'the page for reading');
      await copy.expect(0, changed(t, 0, pattern(2, 64)), 'the page that was written');
    },
  },
  {
    name: 'again-and-again',
    rule: 'R1, AddressSpace.merge: a page that parted and was merged again shows nothing of before',
    mend: KEEP_APART,
    async run(env) {
      const s = await setUp(env, 1);
      const { t, area, copy, mirror } = s;
      for (let round = 0; round < 4; round++) {
        const [writer, reader] = round % 2 === 0 ? [area, copy] : [copy, area];
        await (round % 2 === 0 ? t.mirror : mirror).write(writer.address, pattern(round, 64));
        await reader.expectDevice(0, contentOf(t, 0), `the page of who did not write, round ${round}`);
        await writer.expect(0, changed(t, 0, pattern(round, 64)), `the page of who wrote, round ${round}`);
        await (round % 2 === 0 ? t.space : s.other).write(writer.address, contentOf(t, 0).subarray(0, 64));
        for (const [each, span] of [
          [t.mirror, area],
          [mirror, copy],
        ] as const)
          await each.migrate(span.address, span.bytes, 'host');
        await merge(t, 1, 0, `in round ${round}`);
        await expectAlike(s, `after round ${round}`);
      }
    },
  },
  {
    name: 'under-load',
    rule: 'R2, R5, AddressSpace.merge: passes beside a busy device lose no write and apply none twice',
    mend: 'complete a replay of each stalled access once',
    async run(env) {
      const s = await setUp(env, 3);
      const { t, area, copy, mirror } = s;
      const work = async (each: Mirror, span: PageSpan, seed: number): Promise<void> => {
        for (let round = 0; round < 6; round++) {
          await each.write(span.at(round % 3), pattern(seed + round, 64));
          await each.migrate(span.at(round % 3), t.pageSize, 'host');
        }
      };
      let busy = true;
      const merging = (async () => {
        while (busy) await t.space.merge();
      })();
      await Promise.all([work(t.mirror, area, 0), work(mirror, copy, 3)]).finally(() => (busy = false));
      await merging;
      for (let page = 0; page < 3; page++) {
        await area.expect(page, changed(t, page, pattern(3 + page, 64)), `page ${page}`);
        await copy.expect(page, changed(t, page, pattern(6 + page, 64)), `page ${page} of the other space`);
      }
    },
  },
  {
    name: 'lost-pages',
    rule: 'R10, AddressSpace.merge: what a lost device took with it is refused until it is written again',
    mend: 'resolve Device.lost and fail all fences',
    needs: ['inject:lose', 'dirty-bits', 'read-only-maps'],
    variants: ['plain', 'small', 'subrange', 'second'],
    async run(env) {
      const { t, area, other, copy } = await setUp(env, 2);
      await t.mirror.write(area.address, pattern(1, 64));
      env.lose(t.device);
      await env.expect('Mirror.lost', t.mirror.lost);
      await merge(t, 1, 1, 'after the loss');
      await rejects(t.space.read(area.address, 64), ['DEVICE_LOST'], 'a CPU read of what is lost');
      await t.space.write(area.address, contentOf(t, 0));
      await merge(t, 1, 0, 'when it was written again');
      for (let page = 0; page < 2; page++) {
        await area.expectCpu(page, contentOf(t, page), `page ${page}`);
        bytesEqual(await other.read(copy.at(page), t.pageSize), contentOf(t, page), `page ${page} of the other space`);
      }
    },
  },
]);
