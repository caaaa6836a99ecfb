import { FAULT_WRITE } from '@mirrorspace/core/driver';
import { defineCases } from '../../case.js';
import { bytesEqual, equal, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig, RO, RW } from '../../rig.js';

const DENIED = 1;
const needs = ['mmu:managed', 'read-only-maps', 'replayable-faults', 'frames:2'];

export const rights = defineCases({ level: 'driver', area: 'protection', needs }, [
  {
    name: 'map-again-gives-rights',
    rule: 'MapCommand: makes entries present, replacing what was there: a read-only entry can become writable',
    mend: 'take the rights of the new entry; do not keep those of the one before',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0], RO);
      await rig.read(rig.at(0), 16);
      await rig.page(rig.mapCommand([0], [0], RW), rig.flushCommand([0]));
      const store = rig.start(rig.writeCommand(rig.at(0), pattern(1, 16)));
      await env.until(() => store.signaled || rig.device.faults.pending > 0, 'the store ends or faults');
      equal(rig.device.faults.pending, 0, 'faults of a store to a page that was mapped again, writable');
      bytesEqual((await rig.unload(0)).slice(0, 16), pattern(1, 16), 'the stored bytes');
    },
  },
  {
    name: 'map-again-takes-rights',
    rule: 'MapCommand: makes entries present, replacing what was there: a writable entry can become read-only',
    mend: 'take the rights of the new entry; after flushTlb no store may pass with those of the one before',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0], RW);
      await rig.write(rig.at(0), pattern(1, 16));
      await rig.page(rig.mapCommand([0], [0], RO), rig.flushCommand([0]));
      const store = rig.start(rig.writeCommand(rig.at(0), pattern(2, 16)));
      await env.until(() => store.signaled || rig.device.faults.pending > 0, 'the store ends or faults');
      equal(store.signaled, false, 'whether a store to a page that was mapped again, read-only, succeeded');
      equal(rig.drain()[0]?.access, FAULT_WRITE, 'access code of its fault');
      await rig.page(rig.cancelCommand([0], DENIED));
      await rejects(rig.wait(store), ['ACCESS_DENIED'], 'the denied store');
      bytesEqual((await rig.unload(0)).slice(0, 16), pattern(1, 16), 'the page');
    },
  },
]);
