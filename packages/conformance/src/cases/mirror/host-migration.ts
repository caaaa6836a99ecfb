import { bytesSource, type HostMigrationPolicy, type NotifierEventKind } from '@mirrorspace/core';
import { defineCases } from '../../case.js';
import type { Env } from '../../env.js';
import { bytesEqual, deepEqual, equal, ok, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import type { PageSpan } from '../../page-span.js';
import { ON_DEVICE, SpaceRig, type SpanOptions } from '../../space-rig.js';

/** The three answers of the 2014 RFC. */
const answers = { answer: ['forbid', 'migrate', 'unmap'] };

function answerOf(env: Env): { devicePages: HostMigrationPolicy } {
  return { devicePages: env.params['answer'] as HostMigrationPolicy };
}

/** Pages with contents that the CPU wrote from the last to the first, so that the host has them in no order. */
async function scattered(t: SpaceRig, options: SpanOptions): Promise<PageSpan> {
  const area = await t.map({ share: 'private', ...options });
  for (let page = area.pages - 1; page >= 0; page--) await t.space.write(area.at(page), pattern(page, 64));
  return area;
}

async function expectAll(area: PageSpan, changed: Readonly<Record<number, number>> = {}): Promise<void> {
  for (let page = 0; page < area.pages; page++)
    await area.expect(page, pattern(changed[page] ?? page, 64), `page ${page}`);
}

export const hostMigration = defineCases({ level: 'mirror', area: 'host-migration' }, [
  {
    name: 'host-only',
    rule: 'CopyInCommand.hostFrames: a page may have another host frame each time it comes',
    mend: 'read the host frame that the command names, and keep nothing of earlier ones',
    cross: answers,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await scattered(t, { pages: 4 });
      const { moved, contiguous } = await t.space.relocate(area.address, area.bytes, answerOf(env));
      deepEqual({ moved, contiguous }, { moved: 4, contiguous: true }, 'what relocate did');
      await expectAll(area);
    },
  },
  {
    name: 'duplicated',
    rule: 'R2: a page that a device has a copy of moves on the host; both stay what they were',
    mend: 'a copy on the device has nothing to do with the host frame it came from',
    cross: answers,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await scattered(t, { pages: 4 });
      for (let page = 0; page < 3; page++) await t.mirror.read(area.at(page), 64);
      await t.space.relocate(area.address, area.bytes, answerOf(env));
      await expectAll(area);
      for (const page of [0, 3]) await t.space.write(area.at(page), pattern(20 + page, 64));
      await expectAll(area, { 0: 20, 3: 23 });
    },
  },
  {
    name: 'owned-and-written',
    rule: 'R2: CopyOutCommand.hostFrames: what the device wrote comes home to where the page is by then',
    mend: 'write to the host frame that copyOut names, not to the one that copyIn named',
    cross: answers,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await scattered(t, { pages: 4 });
      for (const page of [0, 2]) await t.mirror.write(area.at(page), pattern(30 + page, 64));
      await t.space.relocate(area.address, area.bytes, answerOf(env));
      // The frames that are free now are used by others.
      const other = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.space.write(other.at(page), pattern(60 + page, 64));
      await expectAll(area, { 0: 30, 2: 32 });
      for (let page = 0; page < 4; page++)
        await other.expect(page, pattern(60 + page, 64), `page ${page} of another range`);
    },
  },
  {
    name: 'owned-and-clean',
    rule: 'R2: CopyOutCommand.when: what the device owned and did not write is on the host, wherever it is by then',
    mend: 'report no page as dirty that was not written, and copy none that is not dirty',
    cross: answers,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await scattered(t, { pages: 4 });
      await t.mirror.migrate(area.address, area.bytes, 'device');
      await t.space.relocate(area.address, area.bytes, answerOf(env));
      for (let page = 0; page < 4; page++) await area.expectCpu(page, pattern(page, 64), `page ${page}`);
      await expectAll(area);
    },
  },
  {
    name: 'written-afterwards',
    rule: 'R2: a device goes on writing a page that moved on the host; nothing of it is lost',
    mend: 'keep dirty bits with the entry, which did not change',
    cross: answers,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await scattered(t, { pages: 4 });
      await t.mirror.write(area.at(1), pattern(40, 64));
      await t.space.relocate(area.address, area.bytes, answerOf(env));
      await t.mirror.write(area.at(1, 64), pattern(41, 64));
      await t.mirror.write(area.at(2), pattern(42, 64));
      await area.expectCpu(1, pattern(41, 64), 'what the device wrote after the move', 64);
      await expectAll(area, { 1: 40, 2: 42 });
    },
  },
  {
    name: 'again-and-again',
    rule: 'R2: no write is lost however often a page moves on the host',
    mend: 'nothing of a host frame may be remembered from one command to the next',
    cross: answers,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await scattered(t, { pages: 3 });
      for (let i = 0; i < 8; i++) {
        await t.mirror.write(area.at(i % 3, 64 + 4 * i), pattern(i, 4));
        await t.space.write(area.at((i + 1) % 3, 128 + 4 * i), pattern(20 + i, 4));
        // Another range each time, so that none is in order already.
        await t.space.relocate(area.at(i % 2), (3 - (i % 2)) * t.pageSize, answerOf(env));
      }
      for (let i = 0; i < 8; i++) {
        await area.expect(i % 3, pattern(i, 4), `what the device wrote in turn ${i}`, 64 + 4 * i);
        await area.expect((i + 1) % 3, pattern(20 + i, 4), `what the CPU wrote in turn ${i}`, 128 + 4 * i);
      }
    },
  },
  {
    name: 'no-fault-afterwards',
    rule: 'R3: a page that stays on its device while it moves on the host keeps its entry',
    mend: 'an entry names a device frame; nothing of it changes',
    needs: ['replayable-faults', 'read-only-maps'],
    cross: { answer: ['forbid', 'migrate'] },
    variants: ['plain', 'subrange', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await scattered(t, { pages: 4 });
      await t.mirror.migrate(area.address, area.bytes, 'device');
      const { faults, pagesOut } = t.mirror.stats;
      await t.space.relocate(area.address, area.bytes, answerOf(env));
      for (let page = 0; page < 4; page++) {
        bytesEqual(await t.mirror.read(area.at(page), 64), pattern(page, 64), `page ${page} on the device`);
        await t.mirror.write(area.at(page, 64), pattern(50, 64));
      }
      equal(t.mirror.stats.faults - faults, 0, 'faults on pages that never left');
      equal(t.mirror.stats.pagesOut - pagesOut, 0, 'pages that came home');
    },
  },
  {
    name: 'off-the-device',
    rule: 'R1: unmap leaves the device no copy; the page is faulted in again from its new place',
    mend: 'unmap, flushTlb and copyOut in one submission, in this order',
    variants: ['plain', 'subrange', 'small'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await scattered(t, { pages: 4 });
      await t.mirror.write(area.at(2), pattern(9, 64));
      await t.mirror.read(area.at(1), 64);
      const { moved } = await t.space.relocate(area.address, area.bytes, { devicePages: 'unmap' });
      equal(moved, 4, 'pages that moved');
      const left = t.mirror.residency(area.address, area.bytes).filter((bits) => (bits & ON_DEVICE) !== 0);
      equal(left.length, 0, 'pages on the device afterwards');
      await expectAll(area, { 2: 9 });
    },
  },
  {
    name: 'evicted-afterwards',
    rule: 'R7, R2: a page that moved on the host can be evicted, to where it is by then',
    mend: 'copyOut to the host frame that the command names',
    needs: ['frames:4'],
    cross: answers,
    variants: ['plain', 'small', 'subrange', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 4 });
      const area = await scattered(t, { pages: 4 });
      for (let page = 0; page < 4; page++) await t.mirror.write(area.at(page, 64), pattern(70 + page, 64));
      await t.space.relocate(area.address, area.bytes, answerOf(env));
      const rest = await t.map({ pages: 8 });
      for (let page = 0; page < 8; page++) await t.mirror.write(rest.at(page), pattern(page, 64));
      for (let page = 0; page < 4; page++) await area.expectCpu(page, pattern(70 + page, 64), `page ${page}`, 64);
      await expectAll(area);
    },
  },
  {
    name: 'forked',
    rule: 'R3: pages that two spaces share move for both; a write parts them still',
    mend: 'entries of both spaces lead to the one frame of the page',
    cross: answers,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await scattered(t, { pages: 3 });
      const child = await t.space.fork();
      env.defer(() => child.close());
      const mirror = await child.attach(t.device, { timeoutMs: env.waitMs });
      env.defer(() => mirror.detach());
      await t.mirror.read(area.address, 64);
      await mirror.read(area.at(1), 64);
      await child.relocate(area.address, area.bytes, answerOf(env));
      await mirror.write(area.at(1), pattern(81, 64));
      await t.mirror.write(area.address, pattern(80, 64));
      await expectAll(area, { 0: 80 });
      for (const [page, seed] of [0, 81, 2].entries()) {
        bytesEqual(await mirror.read(area.at(page), 64), pattern(seed, 64), `page ${page} of the child on the device`);
        bytesEqual(await child.read(area.at(page), 64), pattern(seed, 64), `page ${page} of the child`);
      }
    },
  },
  {
    name: 'file',
    rule: 'R2: pages of a file move; what a device wrote reaches the file',
    mend: 'report dirty bits, and copy to the host frame that the command names',
    cross: answers,
    async run(env) {
      const t = await SpaceRig.open(env);
      const bytes = pattern(5, 4 * t.pageSize);
      const area = await t.map({ pages: 4, source: bytesSource(bytes), share: 'shared' });
      for (const page of [3, 1, 0]) await t.space.read(area.at(page), 64);
      await t.mirror.write(area.at(1), pattern(90, 64));
      await t.space.relocate(area.address, area.bytes, answerOf(env));
      await t.mirror.write(area.at(3), pattern(91, 64));
      await t.space.sync(area.address, area.bytes);
      bytesEqual(bytes.subarray(t.pageSize, t.pageSize + 64), pattern(90, 64), 'written before the move, in the file');
      bytesEqual(bytes.subarray(3 * t.pageSize, 3 * t.pageSize + 64), pattern(91, 64), 'written after it, in the file');
      for (let page = 0; page < 4; page++)
        await area.expect(page, bytes.slice(page * t.pageSize, page * t.pageSize + 64), `page ${page}`);
    },
  },
  {
    name: 'held',
    rule: 'R2: what the CPU holds stays where it is until it is released; devices wait for it',
    mend: 'an access that waits stays stalled',
    cross: answers,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await scattered(t, { pages: 4 });
      const held = await t.space.acquire(area.at(1), t.pageSize, 'write');
      const waiting = t.mirror.read(area.at(1), 64);
      const first = await t.space.relocate(area.address, area.bytes, answerOf(env));
      deepEqual([first.moved, first.refused, first.contiguous], [3, 1, false], 'what moved beside the hold');
      held.bytes.set(pattern(95, 64));
      held.release();
      bytesEqual(await env.expect('the read that waits for the hold', waiting), pattern(95, 64), 'what it read');
      await t.space.relocate(area.address, area.bytes, answerOf(env));
      await expectAll(area, { 1: 95 });
    },
  },
  {
    name: 'beside-accesses',
    rule: 'R2, R8: pages move while devices access them; every access ends, none is lost',
    mend: 'accesses may stall at any time, and are tried again when they are replayed',
    needs: ['atomics'],
    cross: answers,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await scattered(t, { pages: 4 });
      for (let page = 0; page < 4; page++) await t.space.write(area.at(page, 64), new Uint8Array(4));
      const adding = Array.from({ length: 24 }, (_none, i) => t.mirror.atomicAdd(area.at(i % 4, 64), 1));
      const moving = t.space.relocate(area.address, area.bytes, answerOf(env));
      await env.expect('additions beside a migration', Promise.all(adding));
      await moving;
      for (let page = 0; page < 4; page++)
        await area.expect(page, Uint8Array.of(6, 0, 0, 0), `the counter of page ${page}`, 64);
      await expectAll(area);
    },
  },
  {
    name: 'pinned',
    rule: 'Advice.pin: what is pinned to a device stays there; with `migrate` it moves on the host all the same',
    mend: 'a pinned page is resident like any other',
    needs: ['frames:4'],
    cross: answers,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await scattered(t, { pages: 3 });
      await t.space.advise(area.address, 2 * t.pageSize, { pin: t.mirror });
      const { moved } = await t.space.relocate(area.address, area.bytes, answerOf(env));
      equal(moved, env.params['answer'] === 'migrate' ? 3 : 1, 'pages that moved');
      const bits = t.mirror.residency(area.address, 2 * t.pageSize);
      ok(
        bits.every((bit) => (bit & ON_DEVICE) !== 0),
        'pinned pages are on the device',
      );
      await t.space.advise(area.address, 2 * t.pageSize, { pin: null });
      await expectAll(area);
    },
  },
  {
    name: 'notified',
    rule: 'NotifierEvent.kind: notifiers learn of each entry that gets another host frame, as `migrate`',
    mend: 'nothing: the device has no part in this, but for its pages being right afterwards',
    cross: answers,
    variants: ['plain', 'subrange', 'second'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await scattered(t, { pages: 4 });
      await t.mirror.read(area.address, 64);
      const seen: [NotifierEventKind, number][] = [];
      const { notifiers } = t.space;
      const [start, end] = [area.address, area.at(4)];
      const notifier = notifiers.insert({ start, end, invalidate: (e) => void seen.push([e.kind, e.start]) });
      const { moved } = await t.space.relocate(start, area.bytes, answerOf(env));
      notifier.remove();
      deepEqual(
        seen.sort((a, b) => a[1] - b[1]),
        [0, 1, 2, 3].slice(4 - moved).map((page) => ['migrate', area.at(page)]),
        'what the notifier was told',
      );
      await expectAll(area);
    },
  },
  {
    name: 'lost',
    rule: 'R10: what a lost device owned is lost wherever it is; nothing else is',
    mend: 'resolve Device.lost and fail all fences',
    needs: ['inject:lose', 'dirty-bits', 'read-only-maps'],
    cross: answers,
    variants: ['plain', 'small', 'subrange', 'second'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await scattered(t, { pages: 4 });
      await t.mirror.read(area.at(0), 64);
      await t.mirror.write(area.at(2), pattern(9, 64));
      const stays = env.params['answer'] !== 'unmap';
      await t.space.relocate(area.address, area.bytes, answerOf(env));
      env.lose(t.device);
      await env.expect('Mirror.lost', t.mirror.lost);
      await t.space.relocate(area.at(1), 3 * t.pageSize, answerOf(env));
      for (const page of [0, 1, 3]) await area.expectCpu(page, pattern(page, 64), `page ${page}`);
      if (stays) await rejects(t.space.read(area.at(2), 64), ['DEVICE_LOST'], 'a CPU read of what is lost');
      else await area.expectCpu(2, pattern(9, 64), 'what came home before it moved');
    },
  },
  {
    name: 'compacted',
    rule: 'R2: the pages that are left of many move together, on the host, whoever has them',
    mend: 'read and write the host frames that the commands name; storage of others may be gone',
    cross: answers,
    variants: ['plain', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const pages = Math.ceil((3 << 20) / t.pageSize);
      const area = await scattered(t, { pages });
      const kept: number[] = [];
      for (let page = 0; page < pages; page++) {
        if (page % 32 === 5) kept.push(page);
        else await t.space.unmap(area.at(page), t.pageSize);
      }
      for (const page of kept.slice(0, 4)) await t.mirror.write(area.at(page, 64), pattern(page, 64));
      const { bytesFreed, refused } = await t.space.compact(answerOf(env));
      ok(refused <= (env.params['answer'] === 'forbid' ? 4 : 0), `${refused} pages refused to move`);
      ok(bytesFreed >= 0, 'bytes are given back');
      for (const [i, page] of kept.entries()) {
        await area.expect(page, pattern(page, 64), `page ${page}`);
        if (i < 4) await area.expect(page, pattern(page, 64), `page ${page}, what the device wrote`, 64);
      }
    },
  },
]);
