import { BIT_ACCESSED, BIT_DIRTY } from '@mirrorspace/core/driver';
import type { BrokenDevice } from '../device.js';
import { keyOf, rebitting, rewriting, tap } from '../wrap.js';

/** Accessed and dirty bits that say too little or too much. */
export const bits: readonly BrokenDevice[] = [
  {
    name: 'bits/dirty-lost-by-harvest',
    breaks: 'harvest never reports BIT_DIRTY',
    rules: ['HarvestCommand'],
    wrap: (device) =>
      rebitting(device, ({ kind }, found, i) => {
        if (kind === 'harvest') found[i]! &= ~BIT_DIRTY;
      }),
  },
  {
    name: 'bits/dirty-lost-by-unmap',
    breaks: 'unmap reports every entry clean',
    rules: ['UnmapCommand'],
    wrap: (device) =>
      rebitting(device, ({ kind }, found, i) => {
        if (kind === 'unmap') found[i]! &= ~BIT_DIRTY;
      }),
  },
  {
    name: 'bits/dirty-lost-by-protect',
    breaks: 'protect reports every entry clean',
    rules: ['ProtectCommand'],
    wrap: (device) =>
      rebitting(device, ({ kind }, found, i) => {
        if (kind === 'protect') found[i]! &= ~BIT_DIRTY;
      }),
  },
  {
    name: 'bits/dirty-first-page-only',
    breaks: 'BIT_DIRTY is reported for the first page of a list alone',
    rules: ['HarvestCommand: the bits are those of each entry'],
    wrap: (device) =>
      rebitting(device, (_command, found, i) => {
        if (i > 0) found[i]! &= ~BIT_DIRTY;
      }),
  },
  {
    name: 'bits/accessed-never-set',
    breaks: 'BIT_ACCESSED is claimed and never set',
    rules: ['HarvestCommand: BIT_ACCESSED'],
    wrap: (device) => rebitting(device, (_command, found, i) => void (found[i]! &= ~BIT_ACCESSED)),
  },
  {
    name: 'bits/load-sets-dirty',
    breaks: 'loads set BIT_DIRTY too',
    rules: ['HarvestCommand', 'UnmapCommand'],
    wrap: (device) =>
      rebitting(device, (_command, found, i) => {
        if ((found[i]! & BIT_ACCESSED) !== 0) found[i]! |= BIT_DIRTY;
      }),
  },
  {
    name: 'bits/not-cleared-by-harvest',
    breaks: 'harvest leaves the bits set',
    rules: ['HarvestCommand'],
    wrap(device) {
      const kept = new Map<string, number>();
      return rebitting(device, (command, found, i) => {
        const key = keyOf(command, i);
        found[i]! |= kept.get(key) ?? 0;
        if (command.kind === 'harvest') kept.set(key, found[i]!);
        else kept.delete(key);
      });
    },
  },
  {
    name: 'bits/not-set-again',
    breaks: 'a cached translation sets the bits once: after a harvest no store sets them again',
    rules: ['HarvestCommand'],
    wrap(device) {
      const remembered = new Set<string>();
      return rebitting(device, (command, found, i) => {
        const key = keyOf(command, i);
        if (remembered.has(key)) found[i] = 0;
        else if (command.kind === 'harvest' && found[i] !== 0) remembered.add(key);
      });
    },
  },
  {
    name: 'bits/inherited-by-new-entry',
    breaks: 'a new entry starts with the bits of the one before it',
    rules: ['MapCommand'],
    wrap(device) {
      const inherited = new Map<string, number>();
      return rebitting(device, (command, found, i) => {
        const key = keyOf(command, i);
        if (command.kind === 'unmap') inherited.set(key, found[i]!);
        else {
          found[i]! |= inherited.get(key) ?? 0;
          inherited.delete(key);
        }
      });
    },
  },
  {
    name: 'bits/of-the-page-beside',
    breaks: 'each page gets the bits of the one before it in the list',
    rules: ['HarvestCommand: the bits are those of each entry'],
    wrap(device) {
      let before = 0;
      return rebitting(device, (_command, found, i) => {
        const own = found[i]!;
        found[i] = i === 0 ? 0 : before;
        before = own;
      });
    },
  },
  {
    name: 'bits/zero-not-written',
    breaks: 'where an entry has no bits, the array keeps what was in it',
    rules: ['HarvestCommand', 'UnmapCommand', 'ProtectCommand'],
    wrap: (device) =>
      rewriting(device, (command) => {
        if (!('bits' in command) || command.bits === undefined) return command;
        const { bits: wanted, count } = command;
        const found = new Uint8Array(count);
        const hand = (): void => found.forEach((value, i) => void (wanted[i] = value || wanted[i]!));
        return [{ ...command, bits: found }, tap(hand)];
      }),
  },
];
