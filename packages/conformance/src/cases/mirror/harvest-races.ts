import { defineCases } from '../../case.js';
import { bytesEqual, nameOf, ok, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { mapMemory, MEMORY } from './memory-kind.js';
import { SpaceRig } from '../../space-rig.js';

const GONE = ['DEVICE_LOST', 'CLOSED'];

/** Harvests while everything else goes on. */
export const harvestRaces = defineCases({ level: 'mirror', area: 'harvest', needs: ['mmu:managed'] }, [
  {
    name: 'races-with-stores',
    rule: 'R2: HarvestCommand: a store while a harvest is under way is in it or in the next one',
    mend: 'read and clear the bits in one step',
    tags: ['igt:race'],
    cross: { memory: MEMORY },
    async run(env) {
      const t = await SpaceRig.open(env);
      const { area, inFile } = await mapMemory(t, 12);
      await t.mirror.read(area.at(0), 8);
      for (let round = 0; round < 4; round++) {
        const harvesting = t.mirror.harvest(area.address, area.bytes);
        const stores = Array.from({ length: 12 }, (_, page) =>
          t.mirror.write(area.at(page, 64 * round), pattern(page + round, 64)),
        );
        await Promise.all([harvesting, ...stores]);
      }
      for (let page = 0; page < 12; page++) {
        for (let round = 0; round < 4; round++) {
          await inFile(page, pattern(page + round, 64), `page ${page}, store ${round}`, 64 * round);
          await area.expectCpu(page, pattern(page + round, 64), `page ${page}, store ${round}`, 64 * round);
        }
      }
    },
  },
  {
    name: 'races-with-unmap',
    rule: 'R1, HarvestCommand: a harvest of what is unmapped meanwhile ends, and says nothing of what is mapped next; a file gets what was stored',
    mend: 'give 0 for absent entries; a harvest fails nothing',
    cross: { memory: MEMORY },
    async run(env) {
      const t = await SpaceRig.open(env);
      const memory = await mapMemory(t, 6);
      const { area, inFile } = memory;
      for (let round = 0; round < 3; round++) {
        for (let page = 0; page < 6; page++) await t.mirror.write(area.at(page), pattern(page + round, 64));
        const harvesting = env.expect('a harvest', t.mirror.harvest(area.address, area.bytes));
        for (let turns = round; turns > 0; turns--) await env.turn();
        const gone = t.space.unmap(area.at(2), 2 * t.pageSize);
        memory.mapAgain(2, 2);
        await Promise.all([harvesting, gone]);
        for (const page of [2, 3]) {
          // A file has what was stored before the unmap; anonymous memory forgot it.
          const kept = env.params['memory'] === 'file' ? pattern(page + round, 64) : new Uint8Array(64);
          // A load on the device may mend what the CPU would miss: of one page the CPU reads first.
          if (page === 3) await area.expectCpu(page, kept, `page ${page}, mapped anew`);
          await area.expect(page, kept, `page ${page}, mapped anew`);
        }
        for (const page of [0, 1, 4, 5]) await area.expectCpu(page, pattern(page + round, 64), `page ${page}`);
        for (let page = 0; page < 6; page++) await inFile(page, pattern(page + round, 64), `page ${page}`);
      }
    },
  },
  {
    name: 'races-with-protect',
    rule: 'R2: ProtectCommand: what was written before rights were taken comes home, harvested or not',
    mend: 'report the bits that protect takes; clear none that nobody gets',
    cross: { memory: MEMORY },
    async run(env) {
      const t = await SpaceRig.open(env);
      const { area, inFile } = await mapMemory(t, 4);
      for (let round = 0; round < 3; round++) {
        await t.mirror.write(area.at(round), pattern(round, 64));
        const harvesting = t.mirror.harvest(area.address, area.bytes);
        await Promise.all([harvesting, t.space.protect(area.address, area.bytes, 'read')]);
        await rejects(t.mirror.write(area.at(round), pattern(9, 8)), ['ACCESS_DENIED'], 'a store without the right');
        await t.mirror.harvest(area.address, area.bytes);
        await t.space.protect(area.address, area.bytes, 'read-write');
        await inFile(round, pattern(round, 64), `what was stored in round ${round}`);
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
    cross: { memory: MEMORY },
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 4 });
      const { area, inFile } = await mapMemory(t, 12);
      for (let round = 0; round < 3; round++) {
        const work: Promise<unknown>[] = [];
        for (let page = 0; page < 12; page++) {
          work.push(t.mirror.write(area.at(page, 32 * round), pattern(page + round, 32)));
          if (page % 4 === 1) work.push(t.mirror.harvest(area.address, area.bytes));
        }
        await Promise.all(work);
      }
      for (let page = 0; page < 12; page++) {
        for (let round = 0; round < 3; round++) {
          await inFile(page, pattern(page + round, 32), `page ${page}, store ${round}`, 32 * round);
          await area.expectCpu(page, pattern(page + round, 32), `page ${page}, store ${round}`, 32 * round);
        }
      }
      ok(t.mirror.stats.evictions > 0, 'pages were evicted');
    },
  },
  {
    name: 'races-with-detach',
    rule: 'R6: a harvest that a detach overtakes ends; what was written is home',
    mend: 'end commands for a page table before it is closed',
    cross: { memory: MEMORY },
    async run(env) {
      const t = await SpaceRig.open(env);
      const other = await t.attachAnother();
      const { area, inFile } = await mapMemory(t, 6);
      for (let page = 0; page < 6; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      const harvests = [1, 2].map((i) => env.expect(`harvest ${i}`, t.mirror.harvest(area.address, area.bytes)));
      await Promise.all([t.mirror.detach(), ...harvests]);
      for (let page = 0; page < 6; page++) {
        await area.expectCpu(page, pattern(page, 64), `page ${page}`);
        await inFile(page, pattern(page, 64), `page ${page}`);
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
    cross: { memory: MEMORY },
    async run(env) {
      const t = await SpaceRig.open(env);
      const { area, inFile } = await mapMemory(t, 4);
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
      ] as const) {
        await area.expectCpu(page, pattern(seed, 64), `page ${page}`);
        await inFile(page, pattern(seed, 64), `page ${page}`);
      }
    },
  },
]);
