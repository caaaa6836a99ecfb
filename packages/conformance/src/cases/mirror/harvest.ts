import type { JsProgram } from '@mirrorspace/core/driver';
import { defineCases } from '../../case.js';
import { bytesEqual, deepEqual, equal, nameOf, ok, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { ON_DEVICE, SpaceRig } from '../../space-rig.js';
import { createFile } from './file.js';

const bits = ['accessed-bits', 'dirty-bits'];
const GONE = ['DEVICE_LOST', 'CLOSED'];

/** What comes back of accessed and dirty bits, while everything else goes on. */
export const harvest = defineCases({ level: 'mirror', area: 'harvest', needs: ['mmu:managed'] }, [
  {
    name: 'file-is-written',
    rule: 'Mirror.harvest: what was dirty when it was harvested reaches the file',
    mend: 'report BIT_DIRTY in harvest; afterwards it is the host that knows',
    cross: { by: ['sync', 'writeBack'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const source = createFile(1, 3 * t.pageSize);
      const before = source.content.slice();
      const area = await t.map({ pages: 3, source, share: 'shared' });
      for (let round = 0; round < 3; round++) {
        await t.mirror.write(area.at(1, 64 * round), pattern(10 + round, 64));
        if (env.params['by'] === 'writeBack') await t.mirror.harvest(area.address, area.bytes, { writeBack: true });
        else {
          await t.mirror.harvest(area.address, area.bytes);
          await t.space.sync(area.address, area.bytes);
        }
        const at = t.pageSize + 64 * round;
        bytesEqual(source.content.slice(at, at + 64), pattern(10 + round, 64), `store ${round} in the file`);
      }
      bytesEqual(source.content.slice(0, t.pageSize), before.slice(0, t.pageSize), 'a page that nobody wrote');
    },
  },
  {
    name: 'only-dirty-pages-are-written',
    rule: 'BIT_DIRTY: harvest with writeBack writes the pages that the device wrote, and no other',
    mend: 'report BIT_DIRTY for stores only, and for the page that was stored to',
    needs: ['dirty-bits', 'read-only-maps'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4, source: createFile(1, 4 * t.pageSize), share: 'shared' });
      await t.mirror.read(area.address, area.bytes);
      for (const page of [0, 2]) await t.mirror.write(area.at(page), pattern(page, 8));
      const { written } = await t.mirror.harvest(area.address, area.bytes, { writeBack: true });
      equal(written, 2, 'pages written to the file');
      const again = await t.mirror.harvest(area.address, area.bytes, { writeBack: true });
      equal(again.written, 0, 'pages written once nothing changed');
    },
  },
  {
    name: 'written-again-and-evicted',
    rule: 'R2: HarvestCommand: a store, a harvest, a store and an eviction: both stores come home',
    mend: 'a store after a harvest sets BIT_DIRTY again; unmap reports it',
    needs: ['frames:8'],
    cross: { order: ['store-harvest', 'harvest-store', 'store-harvest-store'] },
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 4 });
      const area = await t.map({ pages: 12 });
      const order = String(env.params['order']).split('-');
      for (let round = 0; round < 3; round++) {
        await t.mirror.read(area.at(0), 8);
        for (const [i, step] of order.entries()) {
          if (step === 'harvest') await t.mirror.harvest(area.address, area.bytes);
          else await t.mirror.write(area.at(0, 64 * i), pattern(round + i, 64));
        }
        for (let page = 1; page < 12; page++) await t.mirror.write(area.at(page), pattern(page, 16));
        for (const [i, step] of order.entries())
          if (step === 'store') await area.expect(0, pattern(round + i, 64), `store ${i} of round ${round}`, 64 * i);
      }
    },
  },
  {
    name: 'races-with-stores',
    rule: 'R2: HarvestCommand: a store while a harvest is under way is in it or in the next one',
    mend: 'read and clear the bits in one step',
    tags: ['igt:race'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 12 });
      await t.mirror.read(area.at(0), 8);
      for (let round = 0; round < 4; round++) {
        const harvesting = t.mirror.harvest(area.address, area.bytes);
        const stores = Array.from({ length: 12 }, (_, page) =>
          t.mirror.write(area.at(page, 64 * round), pattern(page + round, 64)),
        );
        await Promise.all([harvesting, ...stores]);
      }
      for (let page = 0; page < 12; page++) {
        for (let round = 0; round < 4; round++)
          await area.expectCpu(page, pattern(page + round, 64), `page ${page}, store ${round}`, 64 * round);
      }
    },
  },
  {
    name: 'races-with-unmap',
    rule: 'R1, HarvestCommand: a harvest of what is unmapped meanwhile ends, and says nothing of what is mapped next',
    mend: 'give 0 for absent entries; a harvest fails nothing',
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 6 });
      for (let round = 0; round < 3; round++) {
        for (let page = 0; page < 6; page++) await t.mirror.write(area.at(page), pattern(page + round, 64));
        const harvesting = env.expect('a harvest', t.mirror.harvest(area.address, area.bytes));
        for (let turns = round; turns > 0; turns--) await env.turn();
        const gone = t.space.unmap(area.at(2), 2 * t.pageSize);
        t.space.map({ address: area.at(2), bytes: 2 * t.pageSize, fixed: true });
        await Promise.all([harvesting, gone]);
        for (const page of [2, 3]) await area.expect(page, new Uint8Array(64), `page ${page}, mapped anew`);
        for (const page of [0, 1, 4, 5]) await area.expectCpu(page, pattern(page + round, 64), `page ${page}`);
      }
    },
  },
  {
    name: 'races-with-protect',
    rule: 'R2: ProtectCommand: what was written before rights were taken comes home, harvested or not',
    mend: 'report the bits that protect takes; clear none that nobody gets',
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      for (let round = 0; round < 3; round++) {
        await t.mirror.write(area.at(round), pattern(round, 64));
        const harvesting = t.mirror.harvest(area.address, area.bytes);
        await Promise.all([harvesting, t.space.protect(area.address, area.bytes, 'read')]);
        await rejects(t.mirror.write(area.at(round), pattern(9, 8)), ['ACCESS_DENIED'], 'a store without the right');
        await t.mirror.harvest(area.address, area.bytes);
        await t.space.protect(area.address, area.bytes, 'read-write');
        await area.expect(round, pattern(round, 64), `what was stored in round ${round}`);
      }
    },
  },
  {
    name: 'races-with-eviction',
    rule: 'R2, R7: HarvestCommand: pages that are evicted while their bits are under way keep what was written',
    mend: 'run submissions in order: bits are those of the entry when the command runs',
    tags: ['igt:evict'],
    needs: ['frames:8'],
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 4 });
      const area = await t.map({ pages: 12 });
      for (let round = 0; round < 3; round++) {
        const work: Promise<unknown>[] = [];
        for (let page = 0; page < 12; page++) {
          work.push(t.mirror.write(area.at(page, 32 * round), pattern(page + round, 32)));
          if (page % 4 === 1) work.push(t.mirror.harvest(area.address, area.bytes));
        }
        await Promise.all(work);
      }
      for (let page = 0; page < 12; page++) {
        for (let round = 0; round < 3; round++)
          await area.expectCpu(page, pattern(page + round, 32), `page ${page}, store ${round}`, 32 * round);
      }
      ok(t.mirror.stats.evictions > 0, 'pages were evicted');
    },
  },
  {
    name: 'races-with-detach',
    rule: 'R6: a harvest that a detach overtakes ends; what was written is home',
    mend: 'end commands for a page table before it is closed',
    async run(env) {
      const t = await SpaceRig.open(env);
      const other = await t.attachAnother();
      const area = await t.map({ pages: 6 });
      for (let page = 0; page < 6; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      const harvests = [1, 2].map((i) => env.expect(`harvest ${i}`, t.mirror.harvest(area.address, area.bytes)));
      await Promise.all([t.mirror.detach(), ...harvests]);
      for (let page = 0; page < 6; page++) {
        await area.expectCpu(page, pattern(page, 64), `page ${page}`);
        bytesEqual(await other.read(area.at(page), 64), pattern(page, 64), `page ${page} on another device`);
      }
    },
  },
  {
    name: 'races-with-loss',
    rule: 'R10: a harvest on a device that is lost ends; what the device alone had is never stale, but lost',
    mend: 'fail the fence of a harvest that did not happen',
    needs: ['inject:lose'],
    variants: ['plain', 'small', 'subrange', 'second'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.space.write(area.at(page), pattern(page, 64));
      await t.mirror.write(area.at(1), pattern(20, 64));
      await t.mirror.write(area.at(2), pattern(21, 64));
      await area.expectCpu(2, pattern(21, 64), 'a page that came home');
      const harvests = [1, 2].map((i) =>
        env.expect(
          `harvest ${i}`,
          t.mirror.harvest(area.address, area.bytes).then(
            () => undefined,
            (error: unknown) => error,
          ),
        ),
      );
      env.lose(t.device);
      for (const outcome of await Promise.all(harvests))
        if (outcome !== undefined) ok(GONE.includes(nameOf(outcome)), `a harvest on a lost device: ${nameOf(outcome)}`);
      await env.expect('Mirror.lost', t.mirror.lost);
      await rejects(t.space.read(area.at(1), 64), ['DEVICE_LOST'], 'a CPU read of what the device alone had');
      for (const [page, seed] of [
        [0, 0],
        [2, 21],
        [3, 3],
      ] as const)
        await area.expectCpu(page, pattern(seed, 64), `page ${page}`);
    },
  },
  {
    name: 'each-bit-once',
    rule: 'HarvestCommand: two harvests at once report each access once between them',
    mend: 'read and clear the bits in one step an entry',
    needs: bits,
    variants: ['plain', 'subrange', 'second', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 5 });
      for (let page = 0; page < 5; page++) await t.mirror.write(area.at(page), pattern(page, 8));
      await t.mirror.harvest(area.address, area.bytes);
      await t.mirror.read(area.at(0), 8);
      for (const page of [1, 3]) await t.mirror.write(area.at(page), pattern(page, 16));
      const found = await Promise.all([1, 2, 3].map(() => t.mirror.harvest(area.address, area.bytes)));
      const sum = { accessed: 0, dirty: 0 };
      for (const { accessed, dirty } of found) {
        sum.accessed += accessed;
        sum.dirty += dirty;
      }
      deepEqual(sum, { accessed: 3, dirty: 2 }, 'pages that three harvests report together');
      for (let page = 0; page < 5; page++)
        await area.expectCpu(page, pattern(page, page % 2 === 1 ? 16 : 8), `page ${page}`);
    },
  },
  {
    name: 'pages-beside-keep-theirs',
    rule: 'HarvestCommand: clears the bits of the pages that it names, and of no other',
    mend: 'clear what was reported, and nothing else',
    needs: bits,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3 });
      for (let page = 0; page < 3; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      const { accessed, dirty } = await t.mirror.harvest(area.at(1), t.pageSize);
      deepEqual({ accessed, dirty }, { accessed: 1, dirty: 1 }, 'the page in the middle');
      for (let page = 0; page < 3; page++) await area.expectCpu(page, pattern(page, 64), `page ${page}`);
    },
  },
  {
    name: 'spares-from-eviction',
    rule: 'HarvestCommand: BIT_ACCESSED: what a harvest found in use outlives what it did not',
    mend: 'report BIT_ACCESSED for what was accessed, and clear it',
    needs: ['frames:8', 'accessed-bits'],
    variants: ['plain', 'subrange', 'small'],
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 8, eviction: 'lru' });
      const area = await t.map({ pages: 20 });
      for (let page = 0; page < 8; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      await t.mirror.harvest(area.address, area.bytes);
      for (const page of [0, 1]) await t.mirror.read(area.at(page), 8);
      await t.mirror.harvest(area.address, area.bytes);
      for (let page = 8; page < 12; page++) await t.mirror.read(area.at(page), 8);
      const there = Array.from(t.mirror.residency(area.address, 4 * t.pageSize), (at) => at & ON_DEVICE);
      deepEqual(there, [ON_DEVICE, ON_DEVICE, 0, 0], 'which of the first pages are on the device');
      for (let page = 0; page < 8; page++) await area.expectCpu(page, pattern(page, 64), `page ${page}`);
    },
  },
  {
    name: 'during-a-launch',
    rule: 'R2: HarvestCommand: harvests while programs run lose no store',
    mend: 'bits set through cached translations count, too',
    needs: ['program:js', 'atomics'],
    tags: ['igt:race'],
    cross: { aging: [0, 0.25] },
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 8, aging: Number(env.params['aging']) });
      const area = await t.map({ pages: 12 });
      const program: JsProgram = {
        language: 'js',
        run: (ctx, { x }, [at = 0, size = 0]) => void ctx.atomicAdd(at + (x % 12) * size, 1),
      };
      const fence = t.mirror.launch(program, { args: [area.address, t.pageSize], grid: [96] });
      for (let i = 0; i < 40 && !fence.signaled && fence.error === undefined; i++) {
        await t.mirror.harvest(area.address, area.bytes);
        await env.turn();
      }
      await fence.wait({ timeoutMs: env.waitMs });
      for (let page = 0; page < 12; page++)
        await area.expectCpu(page, Uint8Array.of(8, 0, 0, 0), `additions to page ${page}`);
    },
  },
]);
