import { BIT_ACCESSED, BIT_DIRTY } from '@mirrorspace/core/driver';
import { defineCases, PAGE_SIZES } from '../../case.js';
import { deepEqual, equal, ok } from '../../check.js';
import { pattern } from '../../frames.js';
import { BITS, Rig, RO } from '../../rig.js';
import {} from '../../wasm-text.js';

const both = ['mmu:managed', 'accessed-bits', 'dirty-bits', 'frames:4'];

export const dirty = defineCases({ level: 'driver', area: 'dirty', needs: both }, [
  {
    name: 'read-sets-accessed',
    rule: 'HarvestCommand: BIT_ACCESSED: the device accessed the page since the last harvest',
    mend: 'set the accessed bit on loads, and only that',
    cross: { pageSize: PAGE_SIZES },
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0, 1], [0, 1]);
      await rig.read(rig.at(0, 5), 1);
      deepEqual(
        await rig.harvest([0, 1]),
        Uint8Array.of(BIT_ACCESSED, 0),
        'bits of a page that was read and of its neighbour',
      );
    },
  },
  {
    name: 'store-sets-both',
    rule: 'HarvestCommand: BIT_DIRTY: the device wrote the page since the last harvest',
    mend: 'set accessed and dirty on every kind of store: a lost dirty bit loses data',
    cross: { by: ['write', 'fill'] },
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0, 1], [0, 1]);
      const fill = { kind: 'fill', mmu: rig.mmu.id, address: rig.at(0), bytes: 3, value: 9 } as const;
      await rig.wait(rig.start(env.params['by'] === 'fill' ? fill : rig.writeCommand(rig.at(0), pattern(1, 1))));
      deepEqual(
        await rig.harvest([0, 1]),
        Uint8Array.of(BITS, 0),
        'bits of a page that was stored to and of its neighbour',
      );
    },
  },
  {
    name: 'atomic-sets-both',
    rule: 'HarvestCommand: BIT_DIRTY: the device wrote the page since the last harvest',
    mend: 'treat atomicAdd as a store',
    needs: ['atomics'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0, 1], [0, 1]);
      await rig.wait(rig.start(rig.atomicCommand(rig.at(0), 1)));
      deepEqual(await rig.harvest([0, 1]), Uint8Array.of(BITS, 0), 'bits after atomicAdd');
    },
  },
  {
    name: 'program-store-sets-both',
    rule: 'HarvestCommand: BIT_DIRTY: the device wrote the page since the last harvest',
    mend: 'set the bits on the stores of programs, and only the accessed bit on their loads',
    needs: ['program'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0, 1, 2], [0, 1, 2]);
      const run = rig.launchCommand(
        {
          js: (ctx, _id, [from = 0, to = 0]) => ctx.store32(to, ctx.load32(from)),
          wgsl: 'store_u32(arg_address(1u), load_u32(arg_address(0u)));',
          wasm: '(call $store_u32 (call $arg_i64 (i32.const 1)) (call $load_u32 (call $arg_i64 (i32.const 0))))',
        },
        [1, 1, 1],
        [rig.at(1), rig.at(0)],
      );
      await rig.wait(rig.start(run));
      deepEqual(await rig.harvest([0, 1, 2]), Uint8Array.of(BITS, BIT_ACCESSED, 0), 'bits after a program');
    },
  },
  {
    name: 'harvest-clears',
    rule: 'HarvestCommand: reads the bits and clears them, in one step an entry',
    mend: 'clear the bits when they are read; keep the entry',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      await rig.write(rig.at(0), pattern(1, 8));
      deepEqual(await rig.harvest([0]), Uint8Array.of(BITS), 'first harvest');
      deepEqual(await rig.harvest([0]), Uint8Array.of(0), 'second harvest');
      await rig.read(rig.at(0), 8);
    },
  },
  {
    name: 'cached-translation-sets-again',
    rule: 'HarvestCommand: a later access sets the bits again, whatever translation was cached',
    mend: 'do not remember “dirty already” in the cache across a harvest',
    cross: { pageSize: PAGE_SIZES },
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      for (let round = 0; round < 3; round++) {
        await rig.write(rig.at(0, round), pattern(1, 8));
        deepEqual(await rig.harvest([0]), Uint8Array.of(BITS), `bits in round ${round}`);
      }
      await rig.read(rig.at(0), 8);
      deepEqual(await rig.harvest([0]), Uint8Array.of(BIT_ACCESSED), 'bits after a load');
    },
  },
  {
    name: 'unmap-reports',
    rule: 'UnmapCommand: bits[i] receives the entry’s last bits, read and removed in one step',
    mend: 'give the bits of the entry that is removed, those of stores through cached translations included',
    tags: ['hmm:migrate_fault'],
    cross: { pageSize: PAGE_SIZES },
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0, 1, 2], [0, 1, 2]);
      await rig.write(rig.at(0), pattern(1, 8));
      await rig.read(rig.at(1), 8);
      await rig.harvest([0]);
      await rig.write(rig.at(0, 8), pattern(2, 8));
      deepEqual(await rig.unmap([0, 1, 2]), Uint8Array.of(BITS, BIT_ACCESSED, 0), 'bits that unmap reports');
    },
  },
  {
    name: 'protect-reports',
    rule: 'ProtectCommand: reports the bits and clears them if asked for, and keeps them otherwise',
    mend: 'touch the bits only where the command brings an array for them',
    needs: ['read-only-maps'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0, 1], [0, 1]);
      await rig.write(rig.at(0), pattern(1, 8));
      await rig.write(rig.at(1), pattern(1, 8));
      const bits = new Uint8Array(1);
      await rig.page(rig.protectCommand([0], RO, bits), rig.protectCommand([1], RO), rig.flushCommand());
      deepEqual(bits, Uint8Array.of(BITS), 'bits that protect reports');
      deepEqual(await rig.harvest([0, 1]), Uint8Array.of(0, BITS), 'bits after protect with and without an array');
    },
  },
  {
    name: 'new-entry-is-clean',
    rule: 'MapCommand: a new entry is clean and not accessed',
    mend: 'clear the bits when an entry is written',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      await rig.write(rig.at(0), pattern(1, 8));
      await rig.unmap([0]);
      await rig.map([0], [1]);
      deepEqual(await rig.harvest([0]), Uint8Array.of(0), 'bits of the new entry');
    },
  },
  {
    name: 'copies-set-nothing',
    rule: 'CopyInCommand, CopyOutCommand: move frames; they are no access of the device through an entry',
    mend: 'do not go through the page table in copies',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      await rig.load(0, pattern(1, 64));
      await rig.unload(0);
      deepEqual(await rig.harvest([0]), Uint8Array.of(0), 'bits of a page whose frame was copied');
    },
  },
  {
    name: 'absent-is-zero',
    rule: 'HarvestCommand: absent entries give 0',
    mend: 'write 0 for absent entries, and create none',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([1], [1]);
      await rig.write(rig.at(1), pattern(1, 8));
      deepEqual(await rig.harvest([0, 1, 2]), Uint8Array.of(0, BITS, 0), 'bits around an only page');
    },
  },
  {
    name: 'exactly-the-touched',
    rule: 'HarvestCommand: the bits are those of each entry',
    mend: 'keep bits per entry; harvest must not mix pages',
    tags: ['igt:stride'],
    async run(env) {
      const rig = await Rig.open(env);
      const count = Math.min(rig.frameCount, 32, rig.device.limits.pagesPerCommand);
      const pages = Array.from({ length: count }, (_, i) => i);
      await rig.map(pages, pages);
      const expected = new Uint8Array(count);
      for (let i = 0; i < count; i++) {
        const page = env.pick(count);
        const store = env.pick(2) === 1;
        if (store) await rig.write(rig.at(page, env.pick(64)), pattern(i, 4));
        else await rig.read(rig.at(page, env.pick(64)), 4);
        expected[page] = (expected[page] ?? 0) | (store ? BITS : BIT_ACCESSED);
      }
      deepEqual(await rig.harvest(pages), expected, 'bits after random accesses');
    },
  },
  {
    name: 'no-bit-lost-in-a-race',
    rule: 'HarvestCommand: read and clear in one step: a store is in this harvest or in the next',
    mend: 'exchange the bits atomically; never clear what was not reported',
    tags: ['igt:race'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      for (let i = 0; i < 20; i++) {
        const store = rig.start(rig.writeCommand(rig.at(0), pattern(i, 16)));
        for (let turns = env.pick(3); turns > 0; turns--) await env.turn();
        const during = (await rig.harvest([0]))[0] ?? 0;
        await rig.wait(store);
        const after = (await rig.harvest([0]))[0] ?? 0;
        ok(((during | after) & BIT_DIRTY) !== 0, `the store of round ${i} left no dirty bit`);
      }
    },
  },
]);

export const unclaimedDirty = defineCases({ level: 'driver', area: 'dirty', needs: ['mmu:managed', 'frames:2'] }, [
  {
    name: 'no-accessed-bits',
    rule: 'DeviceFeature accessed-bits: without, every present entry counts as accessed',
    mend: 'report BIT_ACCESSED for every present entry',
    needs: ['!accessed-bits'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      const bits = await rig.harvest([0, 1]);
      ok(((bits[0] ?? 0) & BIT_ACCESSED) !== 0, 'a present entry counts as accessed');
      equal(bits[1], 0, 'bits of an absent entry');
    },
  },
  {
    name: 'no-dirty-bits',
    rule: 'DeviceFeature dirty-bits: without, every present writable entry counts as dirty',
    mend: 'report BIT_DIRTY for every present writable entry',
    needs: ['!dirty-bits'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      const bits = await rig.unmap([0, 1]);
      ok(((bits[0] ?? 0) & BIT_DIRTY) !== 0, 'a present writable entry counts as dirty');
      equal(bits[1], 0, 'bits of an absent entry');
    },
  },
]);
