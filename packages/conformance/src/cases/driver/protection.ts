import { FAULT_WRITE } from '@mirrorspace/core/driver';
import { defineCases, PAGE_SIZES } from '../../case.js';
import { bytesEqual, equal, ok, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig, RO, RW } from '../../rig.js';

const DENIED = 1;
const needs = ['mmu:managed', 'read-only-maps', 'replayable-faults', 'frames:2'];

export const protection = defineCases({ level: 'driver', area: 'protection', needs }, [
  {
    name: 'read-only-denies-stores',
    rule: 'DeviceFeature read-only-maps: entries without PTE_WRITE deny stores',
    mend: 'check PTE_WRITE on every store; report the fault as FAULT_WRITE, on the right page',
    tags: ['hmm:anon_write_prot'],
    cross: { pageSize: PAGE_SIZES },
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(0, pattern(1, 64));
      await rig.map([0], [0], RO);
      bytesEqual(await rig.read(rig.at(0), 64), pattern(1, 64), 'a read-only page read');
      const fence = rig.start(rig.writeCommand(rig.at(0), pattern(2, 64)));
      const [found] = await rig.faults();
      equal(found?.access, FAULT_WRITE, 'access code of the fault');
      equal(found?.page, 0, 'page of the fault');
      await rig.page(rig.cancelCommand([0], DENIED));
      await rejects(rig.wait(fence), ['ACCESS_DENIED'], 'the denied store');
      bytesEqual((await rig.unload(0)).slice(0, 64), pattern(1, 64), 'the frame after the denied store');
    },
  },
  {
    name: 'store-after-a-cached-read',
    rule: 'DeviceFeature read-only-maps: a translation cached by a load gives no right to store',
    mend: 'keep the rights in the cached translation and check them',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0], RO);
      for (let i = 0; i < 3; i++) await rig.read(rig.at(0, i), 4);
      rig.start(rig.writeCommand(rig.at(0), pattern(2, 4)));
      equal((await rig.faults())[0]?.access, FAULT_WRITE, 'access code of the fault');
    },
  },
  {
    name: 'upgrade-lets-the-store-through',
    rule: 'ProtectCommand: changes the rights of present entries',
    mend: 'let a stalled store see the new rights when it is replayed',
    tags: ['hmm:anon_write_prot'],
    cross: { by: ['protect', 'map'] },
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0], RO);
      const fence = rig.start(rig.writeCommand(rig.at(0), pattern(2, 64)));
      await rig.faults();
      const upgrade = env.params['by'] === 'map' ? rig.mapCommand([0], [0], RW) : rig.protectCommand([0], RW);
      await rig.page(upgrade, rig.flushCommand([0]), rig.replayCommand());
      await rig.wait(fence);
      bytesEqual((await rig.unload(0)).slice(0, 64), pattern(2, 64), 'the frame after the store');
    },
  },
  {
    name: 'downgrade-takes-effect',
    rule: 'R1: after protect and flushTlb no store passes with the rights of before',
    mend: 'flushTlb must drop cached rights too',
    tags: ['hmm:exclusive_mprotect'],
    cross: { pageSize: PAGE_SIZES },
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0], RW);
      await rig.write(rig.at(0), pattern(1, 64));
      await rig.page(rig.protectCommand([0], RO), rig.flushCommand([0]));
      bytesEqual(await rig.read(rig.at(0), 64), pattern(1, 64), 'the page is still readable');
      const fence = rig.start(rig.writeCommand(rig.at(0), pattern(2, 64)));
      await rig.faults();
      await rig.page(rig.cancelCommand([0], DENIED));
      await rejects(rig.wait(fence), ['ACCESS_DENIED'], 'a store after the downgrade');
      bytesEqual((await rig.unload(0)).slice(0, 64), pattern(1, 64), 'the frame after the denied store');
    },
  },
  {
    name: 'only-the-listed-pages',
    rule: 'ProtectCommand: only the listed pages change',
    mend: 'change rights page by page',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0, 1], [0, 1], RW);
      await rig.page(rig.protectCommand([0], RO), rig.flushCommand());
      await rig.write(rig.at(1), pattern(1, 16));
      equal(rig.device.faults.pending, 0, 'faults of the page beside the protected one');
    },
  },
  {
    name: 'absent-stays-absent',
    rule: 'ProtectCommand: absent entries stay absent, their bits are 0',
    mend: 'never create an entry in protect',
    async run(env) {
      const rig = await Rig.open(env);
      const bits = Uint8Array.of(0xff);
      await rig.page(rig.protectCommand([0], RW, bits));
      equal(bits[0], 0, 'bits of an absent entry');
      rig.start(rig.readCommand(rig.at(0), new Uint8Array(4)));
      equal((await rig.faults())[0]?.page, 0, 'page of the fault');
    },
  },
  {
    name: 'atomic-needs-write',
    rule: 'FAULT_ATOMIC: needs the same rights as a store',
    mend: 'check PTE_WRITE for atomicAdd',
    needs: ['atomics'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(0, new Uint8Array(4));
      await rig.map([0], [0], RO);
      const previous = Uint32Array.of(77);
      const fence = rig.start(rig.atomicCommand(rig.at(0), 5, previous));
      await rig.faults();
      await rig.page(rig.cancelCommand([0], DENIED));
      await rejects(rig.wait(fence), ['ACCESS_DENIED'], 'atomicAdd on a read-only page');
      equal(previous[0], 77, 'previous of the failed atomicAdd');
      bytesEqual((await rig.unload(0)).slice(0, 4), new Uint8Array(4), 'the word');
    },
  },
  {
    name: 'write-over-two-rights',
    rule: 'WriteCommand: a page’s part takes effect whole or not at all',
    mend: 'a store that crosses into a read-only page must stall there and leave that page as it was',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(1, pattern(1, rig.pageSize));
      await rig.page(rig.mapCommand([0], [0], RW), rig.mapCommand([1], [1], RO));
      const fence = rig.start(rig.writeCommand(rig.at(1, -8), pattern(2, 16)));
      const [found] = await rig.faults();
      ok(found?.page === 1, 'the fault names the read-only page');
      await rig.page(rig.cancelCommand([1], DENIED));
      await rejects(rig.wait(fence), ['ACCESS_DENIED'], 'the crossing store');
      bytesEqual(await rig.unload(1), pattern(1, rig.pageSize), 'the read-only page');
    },
  },
]);
