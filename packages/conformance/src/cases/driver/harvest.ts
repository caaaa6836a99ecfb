import { BIT_ACCESSED, BIT_DIRTY } from '@mirrorspace/core/driver';
import { defineCases } from '../../case.js';
import { bytesEqual, deepEqual, equal } from '../../check.js';
import { pattern } from '../../frames.js';
import { BITS, Rig } from '../../rig.js';

const needs = ['mmu:managed', 'accessed-bits', 'dirty-bits', 'frames:4', 'pages:4'];

/** What a harvest must leave alone: core takes it that what one did not report is still there. */
export const harvest = defineCases({ level: 'driver', area: 'harvest', needs }, [
  {
    name: 'neighbours-keep-their-bits',
    rule: 'HarvestCommand: clears the bits of the pages that it names, and of no other',
    mend: 'clear per entry, not per word or cache line of the table',
    cross: { page: [0, 1, 2] },
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0, 1, 2, 3], [0, 1, 2, 3]);
      for (let page = 0; page < 4; page++) await rig.write(rig.at(page), pattern(page, 8));
      const named = Number(env.params['page']);
      deepEqual(await rig.harvest([named]), Uint8Array.of(BITS), 'bits of the page that is named');
      const rest = [0, 1, 2, 3].filter((page) => page !== named);
      deepEqual(await rig.harvest(rest), Uint8Array.of(BITS, BITS, BITS), 'bits of the other pages');
    },
  },
  {
    name: 'other-tables-keep-their-bits',
    rule: 'HarvestCommand: clears the bits of its own MMU',
    mend: 'find entries by MMU and page, not by page alone',
    async run(env) {
      const rig = await Rig.open(env);
      const other = await rig.sibling();
      await rig.map([0, 1], [0, 1]);
      await other.map([0, 1], [2, 3]);
      for (const at of [rig, other]) await at.write(at.at(0), pattern(1, 8));
      deepEqual(await rig.harvest([0, 1]), Uint8Array.of(BITS, 0), 'bits of the first MMU');
      deepEqual(await other.harvest([0, 1]), Uint8Array.of(BITS, 0), 'bits of the second MMU');
    },
  },
  {
    name: 'frame-mapped-twice',
    rule: 'HarvestCommand: the bits are those of each entry, also where two lead to one frame',
    mend: 'keep bits with the entry, not with the frame',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0, 1], [0, 0]);
      await rig.write(rig.at(0), pattern(1, 8));
      deepEqual(await rig.harvest([1]), Uint8Array.of(0), 'bits of the entry that was not used');
      deepEqual(await rig.harvest([0]), Uint8Array.of(BITS), 'bits of the one that was');
    },
  },
  {
    name: 'accessed-is-cleared',
    rule: 'HarvestCommand: BIT_ACCESSED: cleared when it is reported, until the next access',
    mend: 'clear both bits; what seems in use forever is never taken off the device',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      for (let round = 0; round < 3; round++) {
        await rig.read(rig.at(0), 8);
        deepEqual(await rig.harvest([0]), Uint8Array.of(BIT_ACCESSED), `bits after the load of round ${round}`);
        deepEqual(await rig.harvest([0]), Uint8Array.of(0), `bits without a load in round ${round}`);
      }
      deepEqual(await rig.unmap([0]), Uint8Array.of(0), 'bits that unmap reports');
    },
  },
  {
    name: 'rights-stay',
    rule: 'HarvestCommand: reads the bits and clears them; the entry stays as it is',
    mend: 'leave entry and rights alone: the next access must not fault',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      await rig.write(rig.at(0), pattern(1, 8));
      await rig.harvest([0]);
      await rig.write(rig.at(0), pattern(2, 8));
      bytesEqual(await rig.read(rig.at(0), 8), pattern(2, 8), 'what was stored after the harvest');
      equal(rig.drain().length, 0, 'faults');
    },
  },
  {
    name: 'copies-do-not-ask-for-bits',
    rule: 'CopyOutCommand: without `when` it copies each frame, whatever was harvested',
    mend: 'look at `when` and at nothing else: the host knows what was dirty',
    cross: { when: ['absent', 'dirty'] },
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0, 1], [0, 1]);
      for (const page of [0, 1]) await rig.write(rig.at(page), pattern(page, 64));
      await rig.harvest([0, 1]);
      for (const frame of [4, 5]) rig.host.bytesOf(frame).fill(0xee);
      const when = env.params['when'] === 'dirty' ? Uint8Array.of(BIT_DIRTY, BIT_DIRTY) : undefined;
      await rig.page(rig.unmapCommand([0, 1]), rig.flushCommand(), rig.copyCommand('copyOut', [4, 5], [0, 1], when));
      for (const page of [0, 1])
        bytesEqual(rig.host.bytesOf(4 + page).slice(0, 64), pattern(page, 64), `page ${page}, whose bits were taken`);
    },
  },
  {
    name: 'unmap-after-harvest',
    rule: 'UnmapCommand: bits[i] receives the bits since the harvest, those of this command’s entries',
    mend: 'write the bits of the entries that are removed, and keep nothing from one command to the next',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0, 1, 2, 3], [0, 1, 2, 3]);
      for (let page = 0; page < 4; page++) await rig.write(rig.at(page), pattern(page, 8));
      await rig.harvest([0, 1, 2, 3]);
      await rig.write(rig.at(0), pattern(9, 8));
      await rig.read(rig.at(2), 8);
      const bits = [0, 1, 2, 3].map(() => new Uint8Array(1).fill(0xff));
      await rig.page(...bits.map((each, page) => rig.unmapCommand([page], each)), rig.flushCommand());
      deepEqual(
        bits.map((each) => each[0]),
        [BITS, 0, BIT_ACCESSED, 0],
        'bits of four commands',
      );
    },
  },
  {
    name: 'in-two-commands',
    rule: 'HarvestCommand: what is split over two commands is reported as by one',
    mend: 'keep nothing from one command to the next',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0, 1, 2, 3], [0, 1, 2, 3]);
      for (const page of [1, 2]) await rig.write(rig.at(page), pattern(page, 8));
      const first = new Uint8Array(2).fill(0xff);
      const second = new Uint8Array(2).fill(0xff);
      await rig.page(
        { kind: 'harvest', ...rig.list([0, 1]), bits: first },
        { kind: 'harvest', ...rig.list([2, 3]), bits: second },
      );
      deepEqual([...first, ...second], [0, BITS, BITS, 0], 'bits of both commands');
      deepEqual(await rig.harvest([0, 1, 2, 3]), new Uint8Array(4), 'bits afterwards');
    },
  },
]);
