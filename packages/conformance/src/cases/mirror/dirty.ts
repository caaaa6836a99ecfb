import { defineCases } from '../../case.js';
import { deepEqual, equal, ok } from '../../check.js';
import { pattern } from '../../frames.js';
import { SpaceRig } from '../../space-rig.js';
import { wgslAt } from '../../units.js';
import { wasmAdd, wasmAt } from '../../wasm-text.js';

const needs = ['dirty-bits', 'read-only-maps'];

export const dirty = defineCases({ level: 'mirror', area: 'dirty' }, [
  {
    name: 'only-dirty-pages-travel',
    rule: 'BIT_DIRTY: pages that the device did not write are not copied home',
    mend: 'report BIT_DIRTY for stores only',
    needs,
    variants: ['plain', 'subrange', 'second', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      await t.space.write(area.address, pattern(1, area.bytes));
      await t.mirror.read(area.address, area.bytes);
      await t.mirror.write(area.at(2), pattern(2, 16));
      const before = t.mirror.stats.bytesOut;
      for (let page = 0; page < 4; page++) await t.space.read(area.at(page), 16);
      equal(t.mirror.stats.bytesOut - before, t.pageSize, 'bytes copied home for one dirty page of four');
      await area.expectCpu(2, pattern(2, 16), 'the dirty page');
    },
  },
  {
    name: 'readers-write-nothing-back',
    rule: 'BIT_DIRTY: a device that only reads copies nothing home',
    mend: 'loads must not set BIT_DIRTY',
    needs,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      await t.space.write(area.address, pattern(1, area.bytes));
      for (let round = 0; round < 3; round++) {
        for (let page = 0; page < 4; page++) await t.mirror.read(area.at(page), 64);
        await t.space.write(area.at(round), pattern(round, 8));
      }
      equal(t.mirror.stats.bytesOut, 0, 'bytes copied home');
    },
  },
  {
    name: 'dirty-again',
    rule: 'HarvestCommand: a later access sets the bits again, whatever translation was cached',
    mend: 'a store after a write-back must set BIT_DIRTY anew: else it is lost',
    tags: ['hmm:anon_write'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 1 });
      for (let round = 0; round < 6; round++) {
        await t.mirror.write(area.at(0, 8 * round), pattern(round, 8));
        await area.expectCpu(0, pattern(round, 8), `store of round ${round}`, 8 * round);
      }
      for (let round = 0; round < 6; round++)
        await area.expect(0, pattern(round, 8), `store ${round} at the end`, 8 * round);
    },
  },
  {
    name: 'bytes-around-a-store',
    rule: 'R2: a device store changes its bytes alone; the rest of the page is what the CPU wrote',
    mend: 'copy the whole page in before a store to a part of it',
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 1 });
      const expected = pattern(1, t.pageSize);
      await t.space.write(area.address, expected);
      for (let i = 0; i < 8; i++) {
        const offset = env.pick(t.pageSize - 16);
        await t.mirror.write(area.at(0, offset), pattern(i, 11));
        expected.set(pattern(i, 11), offset);
      }
      await area.expectCpu(0, expected, 'the whole page');
    },
  },
  {
    name: 'harvest',
    rule: 'Mirror.harvest: counts accessed and dirty pages since the last one',
    mend: 'report and clear the bits of each entry',
    needs: ['accessed-bits', 'dirty-bits'],
    variants: ['plain', 'subrange', 'second', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      await t.space.write(area.address, pattern(1, area.bytes));
      for (let page = 0; page < 4; page++) await t.mirror.write(area.at(page), pattern(page, 8));
      await t.mirror.harvest(area.address, area.bytes);
      await t.mirror.read(area.at(0), 8);
      await t.mirror.write(area.at(1), pattern(9, 8));
      deepEqual(
        { ...(await t.mirror.harvest(area.address, area.bytes)) },
        { accessed: 2, dirty: 1, written: 0 },
        'after one read and one store',
      );
      deepEqual(
        { ...(await t.mirror.harvest(area.address, area.bytes)) },
        { accessed: 0, dirty: 0, written: 0 },
        'harvested again',
      );
    },
  },
  {
    name: 'harvest-loses-nothing',
    rule: 'R2: bits that are harvested are not forgotten: a dirty page still travels home',
    mend: 'harvest clears the device’s bits; who harvests keeps them',
    needs: ['dirty-bits'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      await t.mirror.write(area.at(0), pattern(1, 64));
      await t.mirror.write(area.at(1), pattern(2, 64));
      await t.mirror.harvest(area.address, area.bytes);
      await area.expectCpu(0, pattern(1, 64), 'a page that was dirty when it was harvested');
      await area.expectCpu(1, pattern(2, 64), 'the other one');
    },
  },
  {
    name: 'stores-of-programs',
    rule: 'BIT_DIRTY: the device wrote the page, by whatever means',
    mend: 'set the bit on program stores and atomics too',
    needs: ['program', 'atomics'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3 });
      await t.space.write(area.address, new Uint8Array(area.bytes));
      const program = t.program({
        js(ctx, _id, [at = 0, size = 0]) {
          ctx.store32(at, 11);
          ctx.storeF32(at + size, 1);
          ctx.atomicAdd(at + 2 * size, 33);
        },
        wgsl: `
          store_u32(arg_address(0u), 11u);
          store_f32(${wgslAt('1u')}, 1.0);
          _ = atomicAdd_u32(${wgslAt('2u')}, 33u);`,
        wasm: `
          (call $store_u32 ${wasmAt('(i32.const 0)')} (i32.const 11))
          (call $store_f32 ${wasmAt('(i32.const 1)')} (f32.const 1))
          ${wasmAdd(wasmAt('(i32.const 2)'), '(i32.const 33)')}`,
      });
      await t.mirror.launch(program, { args: [area.address, t.pageSize] }).wait({ timeoutMs: env.waitMs });
      const found = [];
      for (let page = 0; page < 3; page++) found.push(...(await t.space.read(area.at(page), 4)));
      deepEqual(found, [11, 0, 0, 0, 0, 0, 0x80, 0x3f, 33, 0, 0, 0], 'what the program stored');
      ok(t.mirror.stats.bytesOut >= 3 * t.pageSize, 'all three pages came home');
    },
  },
]);
