import { FLAG_SHARED } from '@mirrorspace/core';
import { defineCases } from '../../case.js';
import { bytesEqual, deepEqual, equal, ok, rejects, throws } from '../../check.js';
import { pattern } from '../../frames.js';
import { SpaceRig } from '../../space-rig.js';

/** Kinds and clipped ranges, in pages of the area, of the invalidations that a watch saw. */
function watch(t: SpaceRig, start: number, end: number): { readonly seen: string[]; readonly remove: () => void } {
  const seen: string[] = [];
  const notifier = t.space.notifiers.insert({
    start,
    end,
    invalidate({ kind, start: from, end: to }) {
      const page = (address: number): number => (Math.min(Math.max(address, start), end) - start) / t.pageSize;
      seen.push(`${kind} ${page(from)}-${page(to)}`);
    },
  });
  return { seen, remove: () => notifier.remove() };
}

export const notifier = defineCases({ level: 'mirror', area: 'notifier' }, [
  {
    name: 'events',
    rule: 'NotifierEvent: unmap, protection, clear, soft-dirty, migrate and exclusive tell the range that is concerned',
    mend: 'a mirroring driver must forward its invalidations; a managed one need do nothing',
    cross: { kind: ['unmap', 'protection', 'clear', 'soft-dirty', 'migrate', 'exclusive'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.mirror.write(area.at(page), pattern(page, 16));
      await t.space.read(area.address, area.bytes);
      const { seen, remove } = watch(t, area.address, area.address + area.bytes);
      const { kind } = env.params;
      const range = [area.at(1), 2 * t.pageSize] as const;
      if (kind === 'unmap') await t.space.unmap(...range);
      else if (kind === 'clear') await t.space.dontNeed(...range);
      else if (kind === 'soft-dirty') t.space.written(...range);
      else if (kind === 'migrate') await t.mirror.migrate(...range, 'host');
      else if (kind === 'exclusive') await t.mirror.exclusive(...range);
      else await t.space.protect(...range, 'read');
      ok(seen.includes(`${String(kind)} 1-3`), `an event “${String(kind)} 1-3” among: ${seen.join(', ')}`);
      remove();
    },
  },
  {
    name: 'outside',
    rule: 'IntervalNotifier: told of what meets its interval, and nothing else; not after remove',
    mend: 'compare ranges as half-open intervals',
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 6 });
      await t.mirror.write(area.address, pattern(1, 16));
      const inside = watch(t, area.at(2), area.at(4));
      const removed = watch(t, area.address, area.address + area.bytes);
      removed.remove();
      await t.space.unmap(area.at(0), 2 * t.pageSize);
      await t.space.unmap(area.at(4), 2 * t.pageSize);
      deepEqual(inside.seen, [], 'events of neighbouring pages');
      deepEqual(removed.seen, [], 'events after remove');
      await t.space.unmap(area.at(3), t.pageSize);
      deepEqual(inside.seen, ['unmap 1-2'], 'events of its own pages');
      inside.remove();
    },
  },
  {
    name: 'retry',
    rule: 'IntervalNotifier.readRetry: true once the range was invalidated since readBegin',
    mend: 'raise the sequence with every invalidation that meets the interval',
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      await t.mirror.write(area.address, pattern(1, 16));
      await t.space.read(area.address, 16);
      const notifier = t.space.notifiers.insert({ start: area.address, end: area.at(1), invalidate: () => undefined });
      const sequence = await notifier.readBegin();
      equal(notifier.readRetry(sequence), false, 'retry without an invalidation');
      await t.space.protect(area.address, t.pageSize, 'read');
      equal(notifier.readRetry(sequence), true, 'retry after protect');
      equal(notifier.readRetry(await notifier.readBegin()), false, 'retry after the range was collected again');
      notifier.remove();
    },
  },
  {
    name: 'release',
    rule: 'NotifierEvent release: the space ends',
    mend: 'close must invalidate everything before the devices are let go',
    variants: ['plain', 'small', 'subrange', 'second'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      await t.mirror.write(area.address, pattern(1, 16));
      const { seen } = watch(t, area.address, area.address + area.bytes);
      await t.space.close();
      ok(
        seen.some((event) => event.startsWith('release')),
        `a release event among: ${seen.join(', ')}`,
      );
      await rejects(t.mirror.read(area.address, 16), ['CLOSED', 'ADDRESS_NOT_MAPPED'], 'a device read afterwards');
    },
  },
  {
    name: 'told-before-the-change',
    rule: 'IntervalNotifier: called synchronously before entries of the range change',
    mend: 'invalidate first, then change',
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 1 });
      await t.mirror.write(area.address, pattern(1, 16));
      let mapped: boolean | undefined;
      const notifier = t.space.notifiers.insert({
        start: area.address,
        end: area.at(1),
        invalidate: () => void (mapped ??= t.space.regionAt(area.address) !== undefined),
      });
      const done = t.space.unmap(area.address, area.bytes);
      ok(mapped !== undefined, 'the notifier was called before unmap returned: the atomic path awaits nothing (R4)');
      equal(mapped, true, 'whether the region was there when the notifier was called');
      await done;
      notifier.remove();
    },
  },
  {
    name: 'sees-what-was',
    rule: 'IntervalNotifier: rights and contents are the old ones when it is told that they change',
    mend: 'invalidate first, then change',
    cross: { change: ['protect', 'clear', 'map-over', 'copy-on-write', 'relocate'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2, share: 'private' });
      // From the last to the first, so that they are to be relocated.
      for (const page of [1, 0]) await t.space.write(area.at(page), pattern(page, 16));
      await t.mirror.read(area.address, 16);
      const child = await t.space.fork();
      env.defer(() => child.close());
      const seen: unknown[] = [];
      const look = (): unknown[] => [
        t.space.regionAt(area.address),
        t.space.regionAt(area.address)?.access,
        (t.space.pageFlags(area.address, t.pageSize)[0]! & FLAG_SHARED) !== 0,
      ];
      const before = look();
      const notifier = t.space.notifiers.insert({
        start: area.address,
        end: area.at(1),
        invalidate: () => void (seen.length > 0 || seen.push(...look())),
      });
      const { change } = env.params;
      if (change === 'protect') await t.space.protect(area.address, t.pageSize, 'read');
      else if (change === 'clear') await t.space.dontNeed(area.address, t.pageSize);
      else if (change === 'map-over') t.space.map({ bytes: t.pageSize, address: area.address, fixed: true });
      else if (change === 'copy-on-write') await t.space.write(area.address, pattern(9, 16));
      else await t.space.relocate(area.address, area.bytes);
      notifier.remove();
      equal(seen.length, before.length, 'things that the notifier saw');
      const [was, access, shared] = before;
      // A region of which a part changes may have been cut in two by then.
      if (change !== 'protect') equal(seen[0], was, 'the region of the page');
      equal(seen[1], access, 'rights');
      equal(seen[2], shared, 'whether the page is the one that is shared');
      bytesEqual(await child.read(area.address, 16), pattern(0, 16), 'the page of the fork');
    },
  },
  {
    name: 'owner',
    rule: 'NotifierEvent.owner: says on whose behalf contents move; a notifier of the same owner is not told',
    mend: 'skip your own invalidations by their owner, and no others',
    cross: { kind: ['migrate', 'exclusive'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      await t.space.write(area.address, pattern(1, 16));
      const owners: unknown[] = [];
      const own: unknown[] = [];
      const range = { start: area.address, end: area.at(2) };
      const notifiers = [
        t.space.notifiers.insert({ ...range, invalidate: ({ owner }) => void owners.push(owner) }),
        t.space.notifiers.insert({ ...range, owner: t.mirror, invalidate: ({ kind }) => void own.push(kind) }),
      ];
      const { kind } = env.params;
      if (kind === 'migrate') await t.mirror.migrate(area.address, t.pageSize, 'device');
      else await t.mirror.exclusive(area.address, t.pageSize);
      ok(owners.includes(t.mirror), 'the mirror is the owner of what it causes');
      deepEqual(own, [], 'events for a notifier of the same owner');
      await t.space.dontNeed(area.at(1), t.pageSize);
      deepEqual(own, ['clear'], 'events that nobody owns');
      for (const notifier of notifiers) notifier.remove();
      await area.expect(0, pattern(1, 16), 'the page that moved');
    },
  },
  {
    name: 'refused',
    rule: 'NotifierOptions.invalidate: false refuses a non-blockable invalidation, and nothing is changed; others go on',
    mend: 'nothing: this is what core does of itself; a page whose invalidation was refused is as good as before',
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3, share: 'private' });
      for (let page = 0; page < 3; page++) await t.space.write(area.at(page), pattern(1, 64));
      await t.mirror.read(area.at(2), 64);
      await t.space.advise(area.address, area.bytes, { mergeable: true });
      const { notifiers } = t.space;
      const notifier = notifiers.insert({ start: area.address, end: area.at(3), invalidate: () => false });
      const refused = await t.space.merge();
      deepEqual([refused.merged, refused.refused], [0, 2], 'entries merged and left alone');
      throws(() => notifiers.begin('clear', area.address, area.at(1), undefined, false), ['BUSY'], 'a refused begin');
      equal(notifiers.sequence % 2, 0, 'invalidations that are active');
      for (let page = 0; page < 3; page++)
        await area.expect(page, pattern(1, 64), `page ${page}, which was not merged`);
      await t.space.protect(area.at(2), t.pageSize, 'read');
      await rejects(t.mirror.write(area.at(2), pattern(2, 64)), ['ACCESS_DENIED'], 'a store after what may wait');
      notifier.remove();
      await t.mirror.migrate(area.address, area.bytes, 'host');
      equal((await t.space.merge()).merged, 2, 'entries merged when nobody refuses');
      for (let page = 0; page < 3; page++) await area.expect(page, pattern(1, 64), `page ${page}, which was merged`);
    },
  },
  {
    name: 'throws',
    rule: 'NotifierList.begin: what a notifier throws stops the change, and nothing is changed',
    mend: 'entries that were marked before it threw may be taken off the device, and are faulted in again with their contents',
    cross: { change: ['unmap', 'protect', 'clear', 'map-over', 'relocate'], had: ['read', 'written'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3, share: 'private' });
      for (let page = 2; page >= 0; page--) await t.space.write(area.at(page), pattern(page, 64));
      if (env.params['had'] === 'read') await t.mirror.read(area.at(1), 64);
      else await t.mirror.write(area.at(1, 64), pattern(8, 64));
      const change = async (): Promise<void> => {
        const range = [area.at(1), t.pageSize] as const;
        if (env.params['change'] === 'unmap') await t.space.unmap(...range);
        else if (env.params['change'] === 'protect') await t.space.protect(...range, 'read');
        else if (env.params['change'] === 'clear') await t.space.dontNeed(...range);
        else if (env.params['change'] === 'map-over')
          t.space.map({ bytes: t.pageSize, address: area.at(1), fixed: true });
        else await t.space.relocate(area.address, area.bytes);
      };
      const notifier = t.space.notifiers.insert({
        start: area.at(1),
        end: area.at(2),
        invalidate() {
          throw new EvalError('no');
        },
      });
      await rejects(change(), ['EvalError'], 'the change');
      notifier.remove();
      equal(t.space.notifiers.sequence % 2, 0, 'invalidations that are active');
      for (let page = 0; page < 3; page++) await area.expect(page, pattern(page, 64), `page ${page}`);
      if (env.params['had'] === 'written') await area.expect(1, pattern(8, 64), 'what the device wrote', 64);
      await t.mirror.write(area.at(1), pattern(9, 64));
      await area.expect(1, pattern(9, 64), 'the page after another store of the device');
      await change();
      await t.space.flush();
      const { change: what } = env.params;
      if (what === 'unmap')
        await rejects(t.mirror.read(area.at(1), 64), ['ADDRESS_NOT_MAPPED'], 'a read of the device');
      else if (what === 'protect' || what === 'relocate') await area.expect(1, pattern(9, 64), 'the page in the end');
      else await area.expect(1, new Uint8Array(64), 'the page in the end');
      for (const page of [0, 2]) await area.expect(page, pattern(page, 64), `page ${page} in the end`);
    },
  },
]);
