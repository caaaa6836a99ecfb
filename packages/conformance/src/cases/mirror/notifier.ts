import { defineCases } from '../../case.js';
import { deepEqual, equal, ok, rejects } from '../../check.js';
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
    rule: 'NotifierEvent: unmap, protection and clear tell the range that changes, before it does',
    mend: 'a mirroring driver must forward its invalidations; a managed one need do nothing',
    cross: { kind: ['unmap', 'protection', 'clear'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.mirror.write(area.at(page), pattern(page, 16));
      await t.space.read(area.address, area.bytes);
      const { seen, remove } = watch(t, area.address, area.address + area.bytes);
      const { kind } = env.params;
      if (kind === 'unmap') await t.space.unmap(area.at(1), 2 * t.pageSize);
      else if (kind === 'clear') await t.space.dontNeed(area.at(1), 2 * t.pageSize);
      else await t.space.protect(area.at(1), 2 * t.pageSize, 'read');
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
      await done;
      notifier.remove();
    },
  },
]);
