import { defineCases } from '../../case.js';
import { bytesEqual, equal, ok, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { SpaceRig } from '../../space-rig.js';

const GONE = ['ADDRESS_NOT_MAPPED', 'ACCESS_DENIED'];

/** Stores from the device until told to stop; gives how many stores succeeded. */
function keepStoring(t: SpaceRig, address: number): { stop(): Promise<number> } {
  let stopped = false;
  let stored = 0;
  const work = async (): Promise<void> => {
    for (let i = 0; i < 500 && !stopped; i++) {
      await t.mirror.write(address, pattern(i, 64)).then(
        () => stored++,
        () => undefined,
      );
      await t.env.turn();
    }
  };
  const working = t.env.expect('the loop of stores', work());
  return {
    async stop() {
      stopped = true;
      await working;
      return stored;
    },
  };
}

export const flush = defineCases({ level: 'mirror', area: 'flush' }, [
  {
    name: 'unmap-under-stores',
    rule: 'R1: no device access reaches a frame after the fence of the flush that took it away',
    mend: 'flushTlb must wait for accesses that are past their translation',
    tags: ['hmm:anon_teardown', 'igt:race'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      const stores = keepStoring(t, area.address);
      for (let turns = 5 + env.pick(10); turns > 0; turns--) await env.turn();
      await t.space.unmap(area.address, area.bytes);
      const next = await t.map({ pages: 2, address: area.address, fixed: true });
      await t.space.protect(next.address, next.bytes, 'read');
      await stores.stop();
      const seen = await t.space.read(next.address, 64);
      const stray = await t.mirror.read(next.address, 64);
      bytesEqual(stray, seen, 'CPU and device agree on the new region');
    },
  },
  {
    name: 'protect-under-stores',
    rule: 'R1: when protect resolves, no store passes any more',
    mend: 'flushTlb must drop cached rights before its fence signals',
    tags: ['igt:race'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 1 });
      const stores = keepStoring(t, area.address);
      for (let turns = 5 + env.pick(10); turns > 0; turns--) await env.turn();
      await t.space.protect(area.address, area.bytes, 'read');
      const frozen = await t.space.read(area.address, 64);
      for (let turns = 0; turns < 20; turns++) await env.turn();
      await area.expect(0, frozen, 'the page some time after protect');
      await stores.stop();
      await area.expect(0, frozen, 'the page at the end');
    },
  },
  {
    name: 'flush-is-a-barrier',
    rule: 'AddressSpace.flush: every invalidation so far is true on every device',
    mend: 'resolve flush only after the fences of the flushes',
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.mirror.write(area.at(page), pattern(page, 16));
      const done = t.space.unmap(area.at(1), 2 * t.pageSize);
      await t.space.flush();
      await rejects(t.mirror.read(area.at(1), 16), GONE, 'device read after flush');
      await done;
      await area.expect(3, pattern(3, 16), 'a page that stayed');
    },
  },
  {
    name: 'cpu-owns-after-acquire',
    rule: 'R3: at most one writable copy of a page',
    mend: 'take the entry off the device before acquire resolves',
    tags: ['hmm:exclusive', 'hmm:hmm_gup_test'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 1 });
      await t.mirror.write(area.address, pattern(1, 64));
      const held = await t.space.acquire(area.address, 64, 'write');
      let stored = false;
      const store = env.expect(
        'the store that waits for the CPU',
        t.mirror.write(area.address, pattern(2, 64)).then(() => void (stored = true)),
      );
      await env.quiet(t.device);
      equal(stored, false, 'a device store while the CPU holds the page for writing');
      bytesEqual(held.bytes, pattern(1, 64), 'what the CPU holds');
      held.bytes.set(pattern(3, 64));
      held.release();
      await store;
      await area.expect(0, pattern(2, 64), 'the page after both');
    },
  },
  {
    name: 'nothing-to-flush',
    rule: 'AddressSpace.flush: resolves at once when nothing is pending',
    mend: 'never wait for work that does not exist',
    async run(env) {
      const t = await SpaceRig.open(env);
      await t.space.flush();
      await Promise.all([t.space.flush(), t.space.flush()]);
      ok(!t.space.closed, 'the space is open');
    },
  },
  {
    name: 'changes-of-a-turn',
    rule: 'R1, AddressSpace.flush: all that changes in one turn is true on the device when the flush is over, however far apart it lies',
    mend: 'flushTlb drops what is cached of every page of its list, whatever lies between them',
    cross: { had: ['read', 'written'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 8, share: 'private' });
      for (let page = 0; page < 8; page++) await t.space.write(area.at(page), pattern(page, 64));
      for (let page = 0; page < 8; page++) {
        if (env.params['had'] === 'read') await t.mirror.read(area.at(page), 64);
        else await t.mirror.write(area.at(page), pattern(10 + page, 64));
      }
      const seed = env.params['had'] === 'read' ? 0 : 10;
      const changes = [
        t.space.unmap(area.at(0), t.pageSize),
        t.space.protect(area.at(2), t.pageSize, 'read'),
        t.space.dontNeed(area.at(4), t.pageSize),
      ];
      t.space.map({ bytes: t.pageSize, address: area.at(6), fixed: true });
      await Promise.all([...changes, t.space.flush()]);
      await rejects(t.mirror.read(area.at(0), 16), GONE, 'a device read of what was unmapped');
      await rejects(t.mirror.write(area.at(2), pattern(30, 64)), GONE, 'a device store to what is read-only');
      for (const page of [1, 2, 3, 5, 7]) await area.expect(page, pattern(seed + page, 64), `page ${page}`);
      for (const page of [4, 6]) await area.expect(page, new Uint8Array(64), `page ${page}, which is another one`);
    },
  },
]);
