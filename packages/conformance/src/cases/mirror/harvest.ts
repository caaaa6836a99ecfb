import { defineCases } from '../../case.js';
import { bytesEqual, deepEqual, equal } from '../../check.js';
import { pattern } from '../../frames.js';
import { mapMemory, MEMORY } from './memory-kind.js';
import { ON_DEVICE, SpaceRig } from '../../space-rig.js';
import { createFile } from './file.js';
import { wgslAt } from '../../units.js';
import { wasmAdd, wasmAt } from '../../wasm-text.js';

const bits = ['accessed-bits', 'dirty-bits'];

/** What comes back of accessed and dirty bits. */
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
    cross: { memory: MEMORY, order: ['store-harvest', 'harvest-store', 'store-harvest-store'] },
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 4 });
      const { area, inFile } = await mapMemory(t, 12);
      const order = String(env.params['order']).split('-');
      for (let round = 0; round < 3; round++) {
        await t.mirror.read(area.at(0), 8);
        for (const [i, step] of order.entries()) {
          if (step === 'harvest') await t.mirror.harvest(area.address, area.bytes);
          else await t.mirror.write(area.at(0, 64 * i), pattern(round + i, 64));
        }
        for (let page = 1; page < 12; page++) await t.mirror.write(area.at(page), pattern(page, 16));
        for (const [i, step] of order.entries()) {
          if (step !== 'store') continue;
          await area.expect(0, pattern(round + i, 64), `store ${i} of round ${round}`, 64 * i);
          await inFile(0, pattern(round + i, 64), `store ${i} of round ${round}`, 64 * i);
        }
      }
    },
  },
  {
    name: 'each-bit-once',
    rule: 'HarvestCommand: two harvests at once report each access once between them',
    mend: 'read and clear the bits in one step an entry',
    needs: bits,
    variants: ['plain', 'subrange', 'second', 'pair'],
    cross: { memory: MEMORY, writeBack: [0, 1] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const { area, inFile } = await mapMemory(t, 5);
      for (let page = 0; page < 5; page++) await t.mirror.write(area.at(page), pattern(page, 8));
      const options = { writeBack: env.params['writeBack'] === 1 };
      await t.mirror.harvest(area.address, area.bytes, options);
      if (options.writeBack)
        for (let page = 0; page < 5; page++)
          await inFile(page, pattern(page, 8), `page ${page}, written back`, 0, 'as it is');
      await t.mirror.read(area.at(0), 8);
      for (const page of [1, 3]) await t.mirror.write(area.at(page), pattern(page, 16));
      const found = await Promise.all([1, 2, 3].map(() => t.mirror.harvest(area.address, area.bytes, options)));
      const sum = { accessed: 0, dirty: 0 };
      for (const { accessed, dirty } of found) {
        sum.accessed += accessed;
        sum.dirty += dirty;
      }
      deepEqual(sum, { accessed: 3, dirty: 2 }, 'pages that three harvests report together');
      for (let page = 0; page < 5; page++) {
        const stored = pattern(page, page % 2 === 1 ? 16 : 8);
        await inFile(page, stored, `page ${page}`, 0, options.writeBack ? 'as it is' : 'synced');
        await area.expectCpu(page, stored, `page ${page}`);
      }
    },
  },
  {
    name: 'pages-beside-keep-theirs',
    rule: 'HarvestCommand: clears the bits of the pages that it names, and of no other',
    mend: 'clear what was reported, and nothing else',
    needs: bits,
    cross: { memory: MEMORY },
    async run(env) {
      const t = await SpaceRig.open(env);
      const { area, inFile } = await mapMemory(t, 3);
      for (let page = 0; page < 3; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      const { accessed, dirty } = await t.mirror.harvest(area.at(1), t.pageSize);
      deepEqual({ accessed, dirty }, { accessed: 1, dirty: 1 }, 'the page in the middle');
      for (let page = 0; page < 3; page++) {
        await inFile(page, pattern(page, 64), `page ${page}`);
        await area.expectCpu(page, pattern(page, 64), `page ${page}`);
      }
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
    needs: ['program', 'atomics'],
    tags: ['igt:race'],
    cross: { memory: MEMORY, aging: [0, 0.25] },
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 8, aging: Number(env.params['aging']) });
      const { area, inFile } = await mapMemory(t, 12);
      await t.space.write(area.address, new Uint8Array(area.bytes));
      const program = t.program({
        js: (ctx, { x }, [at = 0, size = 0]) => void ctx.atomicAdd(at + (x % 12) * size, 1),
        wgsl: `_ = atomicAdd_u32(${wgslAt('unit.id.x % 12u')}, 1u);`,
        wasm: wasmAdd(wasmAt('(i32.rem_u (local.get $x) (i32.const 12))')),
      });
      const fence = t.mirror.launch(program, { args: [area.address, t.pageSize], grid: [96] });
      for (let i = 0; i < 40 && !fence.signaled && fence.error === undefined; i++) {
        await t.mirror.harvest(area.address, area.bytes);
        await env.turn();
      }
      await fence.wait({ timeoutMs: env.waitMs });
      for (let page = 0; page < 12; page++) {
        await inFile(page, Uint8Array.of(8, 0, 0, 0), `additions to page ${page}`);
        await area.expectCpu(page, Uint8Array.of(8, 0, 0, 0), `additions to page ${page}`);
      }
    },
  },
]);
