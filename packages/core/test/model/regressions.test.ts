import { test } from 'vitest';
import type { Place } from './scene.js';
import { replay } from './sequential.js';
import { runRegressionLanes } from './regression-lanes.js';

const first: Place = { member: 0, region: 0, page: 0, offset: 0, length: 0 };
const mapped = {
  kind: 'map',
  member: 0,
  where: 'fixed',
  page: 0,
  pages: 1,
  access: 'read-write',
  share: 'private',
  file: 0,
  filePage: 0,
} as const;
const launched = { kind: 'increment', place: first, other: first, device: 0, seed: 1, announced: false } as const;

test('what acquire discards reads as zeros, also where it was written before', () =>
  replay({}, [
    { ...mapped, file: 1 },
    { kind: 'hold', place: { ...first, length: 4 }, mode: 'write', discard: true, seed: 1 },
  ]));

test('one access goes through more pages than the device has frames', () =>
  replay({ faultBuffer: 1, batch: 1, residentUnits: 1, tlbEntries: 1 }, [{ ...mapped, where: 'free', pages: 5 }]));

test('a page whose dirty bit was harvested can be written again after the CPU read it', () =>
  replay({}, [
    mapped,
    { kind: 'atomicAdd', place: first, device: 0, seed: 1 },
    { kind: 'harvest', place: first, device: 0, seed: 1 },
    { kind: 'cpuRead', place: first, seed: 1 },
    launched,
  ]));

test('a space that closes takes no device away from another one', () => {
  const twice = { ...launched, place: { ...first, length: 5 } };
  const settings = { faultBuffer: 8, batch: 1, residentUnits: 8, pagesPerCommand: 2, commandsPerSubmit: 2 };
  return replay({ ...settings, frames: [4], latencySeed: 0 }, [
    { kind: 'fork', member: 0 },
    twice,
    { kind: 'attach', member: 1, device: 0 },
    { ...twice, place: { ...first, offset: 3, length: 4 }, seed: 4 },
    { kind: 'close', member: 0 },
    { kind: 'read', place: first, device: 0, seed: 1 },
  ]);
});

test('a pin of what nobody may read is refused, also where it lies on the device', () =>
  replay({}, [
    mapped,
    { kind: 'read', place: first, device: 0, seed: 1 },
    { kind: 'protect', place: first, access: 'none' },
    {
      kind: 'advise',
      place: first,
      device: 0,
      preferred: undefined,
      readMostly: undefined,
      accessedBy: undefined,
      pin: true,
    },
  ]));

test('a pin of two places of one page of a file needs one frame, and is in force', () =>
  replay({ frames: [6] }, [
    { ...mapped, page: 3, file: 2 },
    { ...mapped, page: 4, file: 2 },
    {
      kind: 'advise',
      place: { ...first, page: 3, offset: 2, length: 4 },
      device: 0,
      preferred: undefined,
      readMostly: undefined,
      accessedBy: undefined,
      pin: true,
    },
  ]));

test('a pin takes a page of a file that another device owns through another mapping', () =>
  replay({ frames: [4, 5] }, [
    { ...mapped, where: 'free', share: 'shared', file: 1 },
    { ...mapped, file: 1 },
    { kind: 'exclusive', place: { ...first, region: 1 }, device: 0, seed: 1 },
    { kind: 'attach', member: 0, device: 1 },
    {
      kind: 'advise',
      place: first,
      device: 1,
      preferred: undefined,
      readMostly: undefined,
      accessedBy: undefined,
      pin: true,
    },
  ]));

test('a shared page that two spaces have on one device leaves both before it is copied home', () =>
  replay({}, [
    { kind: 'fork', member: 0 },
    { ...mapped, pages: 5, share: 'shared' },
    { kind: 'fork', member: 0 },
    { kind: 'attach', member: 2, device: 0 },
    { ...launched, place: { ...first, member: 2 } },
  ]));

test('the CPU writes across two mappings of one page', () =>
  replay({}, [
    { ...mapped, share: 'shared', file: 1 },
    { ...mapped, share: 'shared', file: 1, page: 1 },
    { kind: 'cpuWrite', place: { ...first, offset: 3, length: 4 }, seed: 3 },
    { kind: 'cpuRead', place: { ...first, length: 6 }, seed: 1 },
  ]));

test('what a device wrote survives that it loses the right to write', () =>
  replay({}, [
    mapped,
    { kind: 'fill', place: { ...first, length: 4 }, device: 0, seed: 7 },
    { kind: 'protect', place: first, access: 'read' },
    { kind: 'cpuRead', place: { ...first, length: 4 }, seed: 1 },
  ]));

test('a page that is being brought to a device is not called home under it', () => runRegressionLanes());

test('a pin brings pages back that would push each other out', () =>
  replay(
    {
      frames: [6],
      faultBuffer: 1,
      batch: 1,
      residentUnits: 1,
      tlbEntries: 1,
      pagesPerCommand: 2,
      commandsPerSubmit: 2,
      budget: 2,
      swapPages: 2,
    },
    [
      {
        kind: 'map',
        member: 0,
        where: 'fixed',
        page: 0,
        pages: 3,
        access: 'read-write',
        share: 'private',
        file: 2,
        filePage: 0,
      },
      { kind: 'increment', place: { ...first, length: 5 }, other: first, device: 0, seed: 1, announced: false },
      {
        kind: 'advise',
        place: { ...first, length: 5 },
        device: 0,
        preferred: undefined,
        readMostly: undefined,
        accessedBy: undefined,
        pin: true,
      },
    ],
  ));

test('a late fault of a launch that failed does not fail a load of the same page', () =>
  replay(
    {
      frames: [4],
      faultBuffer: 8,
      batch: 1,
      tlbEntries: 1,
      pagesPerCommand: 2,
      commandsPerSubmit: 2,
      latencySeed: 0,
    },
    [
      {
        kind: 'map',
        member: 0,
        where: 'fixed',
        page: 0,
        pages: 1,
        access: 'read',
        share: 'private',
        file: 0,
        filePage: 0,
      },
      { kind: 'increment', place: { ...first, length: 8 }, other: first, device: 0, seed: 1, announced: false },
      { kind: 'merge', member: 0, alike: 0, offer: true, home: true },
    ],
  ));

test('what a harvest writes back is in the file then', () =>
  replay({}, [
    { ...mapped, share: 'shared', file: 1 },
    { kind: 'write', place: { ...first, length: 4 }, device: 0, seed: 7 },
    { kind: 'harvestWriteBack', place: { ...first, length: 4 }, device: 0, seed: 1 },
  ]));

test('what a lost device alone had is said to be lost wherever it is mapped, touched there or not', () =>
  replay({}, [
    { ...mapped, share: 'shared', file: 1 },
    { ...mapped, share: 'shared', file: 1, page: 1 },
    { kind: 'write', place: first, device: 0, seed: 1 },
    { kind: 'lose', device: 0, seed: 2 },
    { kind: 'write', place: first, device: 0, seed: 1 },
    { kind: 'unmap', place: first },
    { kind: 'lose', device: 0, seed: 2 },
  ]));

test.each([0, 1, 2])('what a lost device alone had gets contents again (%i)', (seed) =>
  replay({ frames: [4, 4] }, [
    { ...mapped, pages: 3 },
    { ...mapped, page: 4, pages: 2, share: 'shared', file: 0 },
    { kind: 'fork', member: 0 },
    { kind: 'attach', member: 1, device: 0 },
    { kind: 'write', place: { ...first, length: 4 }, device: 0, seed: 1 },
    { kind: 'write', place: { ...first, page: 4, length: 4 }, device: 0, seed: 2 },
    { kind: 'write', place: { ...first, member: 1, page: 1, length: 4 }, device: 0, seed: 3 },
    { kind: 'lose', device: 0, seed },
    { kind: 'write', place: { ...first, page: 1, length: 5 }, device: 0, seed: 4 },
    { kind: 'lose', device: 1, seed },
  ]),
);

test('what is read for a mirror that leaves meanwhile is locked no more', () =>
  replay(
    {
      ...{ frames: [13], faultBuffer: 1, residentUnits: 8, tlbEntries: 2, commandsPerSubmit: 2, eviction: 'fifo' },
      ...{ prefetch: 'next', updateQueue: 'highest-priority', preemption: 'always', dirtyBits: false },
      ...{ slowFiles: true, budget: 2, lists: 'global' },
    },
    [
      { ...mapped, where: 'hint', page: 1, pages: 6, share: 'shared', file: 0, filePage: 2 },
      { kind: 'lose', device: 1, seed: 51 },
      {
        kind: 'increment',
        place: { ...first, page: 1, offset: 2, length: 7 },
        other: { ...first, offset: 2, length: 4 },
        device: 1,
        seed: 226,
        announced: true,
      },
      { kind: 'detach', member: 0, device: 1 },
    ],
  ));

test('a private page of a file is a copy of what is there when it is first written, not when it is first asked for', () =>
  replay({ residentUnits: 1 }, [
    { ...mapped, page: 3, pages: 3, share: 'shared', file: 2 },
    { kind: 'truncate', member: 0, file: 1, page: 0, halves: 3, device: 0, beside: 'nothing' },
    { ...mapped, page: 2, pages: 2, file: 2 },
    {
      kind: 'chase',
      place: { ...first, page: 2, offset: 3, length: 7 },
      other: first,
      device: 0,
      seed: 1,
      announced: false,
    },
    launched,
  ]));

test('a write that was refused makes no private page of what is mapped there later', () =>
  replay({ faultBuffer: 8, batch: 1, tlbEntries: 1, pagesPerCommand: 2, commandsPerSubmit: 2, latencySeed: 0 }, [
    { ...launched, place: { ...first, length: 7 } },
    { kind: 'write', place: { ...first, page: 2 }, device: 0, seed: 1 },
    { ...mapped, pages: 3, file: 1 },
    { kind: 'truncate', member: 0, file: 0, page: 3, halves: 5, device: 0, beside: 'writes' },
  ]));

test('a read that makes the device the owner makes no private copy of a page of a file', () =>
  replay({ faultBuffer: 1, batch: 1, residentUnits: 1, tlbEntries: 1, policies: 'default' }, [
    { ...mapped, pages: 2, file: 1 },
    { kind: 'truncate', member: 0, file: 0, page: 2, halves: 3, device: 0, beside: 'nothing' },
    { kind: 'atomicAdd', place: { ...first, region: 2, page: 1 }, device: 0, seed: 1 },
    { kind: 'hold', place: first, mode: 'read', discard: false, seed: 1 },
  ]));

test('a read of a file that waits for room goes on when the flush has ended that it waited for', () =>
  replay({ faultBuffer: 1, batch: 1, residentUnits: 1, tlbEntries: 1, flush: 'immediate', latencySeed: 0, budget: 2 }, [
    mapped,
    { kind: 'merge', member: 0, alike: 1, offer: true, home: true },
    { kind: 'truncate', member: 0, file: 1, page: 1, halves: 1, device: 0, beside: 'reads' },
  ]));

test('shared pages that come back from the swap store for faults do not push each other out again and again', () =>
  replay(
    {
      faultBuffer: 8,
      batch: 1,
      tlbEntries: 1,
      pagesPerCommand: 2,
      commandsPerSubmit: 2,
      flush: 'immediate',
      latencySeed: 0,
      budget: 2,
    },
    [
      { ...mapped, page: 1, pages: 6, share: 'shared' },
      { kind: 'read', place: { ...first, page: 2, offset: 2, length: 7 }, device: 0, seed: 1 },
      { ...mapped, where: 'free', pages: 2, share: 'shared' },
      { kind: 'remapPages', member: 0, region: 0, page: 0, pages: 1, from: 0, form: 'callback' },
      { kind: 'truncate', member: 0, file: 0, page: 2, halves: 3, device: 0, beside: 'nothing' },
      {
        kind: 'copy',
        place: { ...first, page: 1, length: 5 },
        other: { ...first, region: 4, page: 3, length: 5 },
        device: 0,
        seed: 1,
        announced: true,
      },
    ],
  ));

test('a pin brings back what leaves while the rest of it is read from a file', () =>
  replay(
    {
      ...{ frames: [4, 6], faultBuffer: 1, batch: 1, residentUnits: 1, tlbEntries: 1, pagesPerCommand: 2 },
      ...{ commandsPerSubmit: 2, flush: 'immediate', latencySeed: 0, budget: 2, swapPages: 2 },
    },
    [
      mapped,
      { ...launched, place: { ...first, length: 5 } },
      { kind: 'attach', member: 0, device: 1 },
      { kind: 'truncate', member: 0, file: 0, page: 6, halves: 5, device: 0, beside: 'nothing' },
      {
        kind: 'advise',
        place: { ...first, page: 7, length: 5 },
        device: 1,
        preferred: undefined,
        readMostly: undefined,
        accessedBy: undefined,
        pin: true,
      },
    ],
  ));
