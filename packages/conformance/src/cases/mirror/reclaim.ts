import { defineCases } from '../../case.js';
import { bytesEqual, deepEqual, equal, ok } from '../../check.js';
import { pattern } from '../../frames.js';
import { ON_DEVICE, SpaceRig, SWAPPED } from '../../space-rig.js';
import { pageOut, places, reclaimAll } from '../../swapping.js';
import { type Units, wgslAt } from '../../units.js';
import { wasmAdd, wasmAt } from '../../wasm-text.js';

/** Adds 1 to the first word of `args[2]` pages of `args[1]` bytes from `args[0]` on, one a unit. */
const addToEach: Units = {
  js: (ctx, { x }, [at = 0, size = 0, pages = 1]) => void ctx.atomicAdd(at + (x % pages) * size, 1),
  wgsl: `_ = atomicAdd_u32(${wgslAt('unit.id.x % arg_u32(2u)')}, 1u);`,
  wasm: wasmAdd(wasmAt('(i32.rem_u (local.get $x) (call $arg_i32 (i32.const 2)))')),
};

/** Host memory that pages leave and come back to, while a device uses the space. */
export const reclaim = defineCases({ level: 'mirror', area: 'reclaim', needs: ['mmu:managed'] }, [
  {
    name: 'comes-back-on-touch',
    rule: 'R2: what left host memory comes back with its bytes when the device or the CPU touches it',
    mend: 'a fault may take as long as the swap store: the access stays stalled',
    cross: { by: ['device', 'cpu'] },
    async run(env) {
      const t = await SpaceRig.open(env, { reclaim: {} });
      const area = await t.map({ pages: 4 });
      await t.space.write(area.address, pattern(1, area.bytes));
      for (let round = 0; round < 2; round++) {
        await reclaimAll(t, area);
        deepEqual(places(t, area), [SWAPPED, SWAPPED, SWAPPED, SWAPPED], 'where the pages are');
        for (let page = 0; page < 4; page++) {
          const expected = pattern(1, area.bytes).slice(page * t.pageSize, (page + 1) * t.pageSize);
          if (env.params['by'] === 'cpu') await area.expectCpu(page, expected, `page ${page}`);
          else await area.expectDevice(page, expected, `page ${page}`);
        }
      }
    },
  },
  {
    name: 'store-to-what-left',
    rule: 'R2: a device store to a page in the swap store changes its bytes alone',
    mend: 'copy the whole page in before a store to a part of it',
    async run(env) {
      const t = await SpaceRig.open(env, { reclaim: {} });
      const area = await t.map({ pages: 3 });
      const expected = pattern(1, area.bytes);
      await t.space.write(area.address, expected);
      for (let round = 0; round < 3; round++) {
        await reclaimAll(t, area);
        for (let page = 0; page < 3; page++) {
          const offset = env.pick(t.pageSize - 16);
          await t.mirror.write(area.at(page, offset), pattern(10 + round, 11));
          expected.set(pattern(10 + round, 11), page * t.pageSize + offset);
        }
      }
      bytesEqual(await t.space.read(area.address, area.bytes), expected, 'all pages');
    },
  },
  {
    name: 'in-use-is-passed-over',
    rule: 'R5: a page in use by a device is not taken out of host memory, and its entries stay',
    mend: 'nothing: the device is not asked',
    cross: { access: ['read', 'write'] },
    async run(env) {
      const t = await SpaceRig.open(env, { reclaim: {} });
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.space.write(area.at(page), pattern(page, 64));
      const { invalidated, recalls } = t.mirror.stats;
      for (const page of [1, 2]) {
        if (env.params['access'] === 'read') await t.mirror.read(area.at(page), 64);
        else await t.mirror.write(area.at(page, 64), pattern(20 + page, 64));
      }
      const before = places(t, area);
      equal(await pageOut(t, area), 2 * t.pageSize, 'bytes freed');
      deepEqual(places(t, area), [SWAPPED, before[1], before[2], SWAPPED], 'where the pages are');
      ok(
        before.slice(1, 3).every((at) => (at & ON_DEVICE) !== 0),
        'the device has the pages that it used',
      );
      deepEqual(
        { invalidated: t.mirror.stats.invalidated - invalidated, recalls: t.mirror.stats.recalls - recalls },
        { invalidated: 0, recalls: 0 },
        'what was taken off the device',
      );
      for (let page = 0; page < 4; page++) await area.expect(page, pattern(page, 64), `page ${page}`);
    },
  },
  {
    name: 'launch-on-what-left',
    rule: 'R2, R8: a program that needs pages of the swap store gets them all, each unit once',
    mend: 'let units stall for as long as a page takes, and replay them',
    needs: ['program', 'atomics'],
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 8, reclaim: {} });
      const area = await t.map({ pages: 6 });
      for (let page = 0; page < 6; page++) await t.space.write(area.at(page), pattern(page, 64).fill(0, 0, 4));
      await reclaimAll(t, area);
      const args = [area.address, t.pageSize, 6];
      await t.mirror.launch(t.program(addToEach), { args, grid: [60] }).wait({ timeoutMs: env.waitMs });
      for (let page = 0; page < 6; page++) {
        const expected = pattern(page, 64).fill(0, 0, 4);
        expected[0] = 10;
        await area.expectCpu(page, expected, `page ${page}`);
      }
    },
  },
  {
    name: 'under-a-launch',
    rule: 'R2: reclaim while a program runs loses no store',
    mend: 'finish copyOut before the frame is used again; report the dirty bit when the entry is unmapped',
    tags: ['igt:race', 'igt:evict'],
    needs: ['program', 'atomics'],
    cross: { lists: ['device', 'global'] },
    async run(env) {
      const lists = env.params['lists'] as 'device';
      const t = await SpaceRig.open(env, { frames: 8, reclaim: { lists } });
      const area = await t.map({ pages: 12 });
      const args = [area.address, t.pageSize, 12];
      const fence = t.mirror.launch(t.program(addToEach), { args, grid: [96] });
      for (let i = 0; i < 40 && !fence.signaled && fence.error === undefined; i++)
        await t.space.reclaim((1 + (i % 3)) * t.pageSize);
      await fence.wait({ timeoutMs: env.waitMs });
      await reclaimAll(t, area);
      for (let page = 0; page < 12; page++)
        await area.expectCpu(page, Uint8Array.of(8, 0, 0, 0), `additions to page ${page}`);
    },
  },
  {
    name: 'within-a-budget',
    rule: 'R2, R8: device and CPU use more than the budget of host memory and the memory of the device together',
    mend: 'pages go and come at any time: nothing of a page may be remembered across unmap',
    cross: { lists: ['device', 'global'] },
    async run(env) {
      const lists = env.params['lists'] as 'device';
      const t = await SpaceRig.open(env, { frames: 8, reclaim: { lists, pages: 8 } });
      const area = await t.map({ pages: 32 });
      for (let round = 0; round < 2; round++) {
        for (let page = 0; page < 32; page++) {
          const by = (page + round) % 2 === 0 ? t.mirror : t.space;
          await by.write(area.at(page, 64 * round), pattern(page + round, 64));
        }
      }
      ok(t.space.memory.stats.swappedOut > 0, 'pages left host memory');
      for (let page = 0; page < 32; page++) {
        for (let round = 0; round < 2; round++)
          await area.expect(page, pattern(page + round, 64), `page ${page}, round ${round}`, 64 * round);
      }
    },
  },
  {
    name: 'random-order',
    rule: 'R2: memory equals a plain sequential model whatever leaves host memory, and when',
    mend: 'look for frames that are used again too early, and for bits that are lost',
    tags: ['igt:evict'],
    cross: { lists: ['device', 'global'], round: [1, 2] },
    async run(env) {
      const lists = env.params['lists'] as 'device';
      const t = await SpaceRig.open(env, { frames: 6, reclaim: { lists } });
      const area = await t.map({ pages: 10 });
      const model = new Uint8Array(10 * 64);
      for (let i = 0; i < 120 + 10 * Number(env.params['round']); i++) {
        const page = env.pick(10);
        const offset = 8 * env.pick(7);
        const kind = env.pick(9);
        const range = [area.at(page), (1 + env.pick(10 - page)) * t.pageSize] as const;
        if (kind < 4) {
          const bytes = pattern(i + env.pick(1000), 8);
          await (kind < 2 ? t.mirror : t.space).write(area.at(page, offset), bytes);
          model.set(bytes, 64 * page + offset);
        } else if (kind < 6) {
          const seen = await (kind === 4 ? t.mirror : t.space).read(area.at(page), 64);
          const by = kind === 4 ? 'device' : 'CPU';
          bytesEqual(seen, model.slice(64 * page, 64 * page + 64), `page ${page} in step ${i}, ${by}`);
        } else if (kind === 6) await t.space.pageOut(...range);
        else if (kind === 7) await t.space.reclaim((1 + env.pick(6)) * t.pageSize);
        else await t.mirror.harvest(...range);
      }
      for (let page = 0; page < 10; page++)
        await area.expect(page, model.slice(64 * page, 64 * page + 64), `page ${page} at the end`);
    },
  },
]);
