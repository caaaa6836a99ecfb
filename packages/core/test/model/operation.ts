import fc from 'fast-check';
import { cpu, type CpuOperation, hold, type HoldOperation } from './cpu-operations.js';
import {
  advise,
  type AdviseOperation,
  attach,
  type AttachOperation,
  device,
  type DeviceOperation,
} from './device-operations.js';
import { type HostOperation, moveOnHost } from './host-operations.js';
import { launch, type LaunchOperation } from './launch-operations.js';
import { lose, type LossOperation } from './loss-operations.js';
import { merge, type MergeOperation } from './merge-operations.js';
import {
  close,
  type FamilyOperation,
  fork,
  map,
  type MapOperation,
  protect,
  type ProtectOperation,
  remap,
  type RemapOperation,
  unmap,
  type UnmapOperation,
} from './map-operations.js';
import { remapPages, type RemapPagesOperation } from './remap-pages-operations.js';
import { reclaim, type ReclaimOperation } from './reclaim-operations.js';
import { LENGTHS, OFFSETS, type Place, type Scene } from './scene.js';
import { truncate, type TruncateOperation } from './truncate-operations.js';

/** Something that is done to a world and to its model alike. Plain data: what fails can be written down. */
export type Operation =
  | MapOperation
  | UnmapOperation
  | ProtectOperation
  | RemapOperation
  | FamilyOperation
  | CpuOperation
  | HoldOperation
  | DeviceOperation
  | AttachOperation
  | AdviseOperation
  | ReclaimOperation
  | RemapPagesOperation
  | TruncateOperation
  | HostOperation
  | LaunchOperation
  | LossOperation
  | MergeOperation;

/** Does it, and compares what happened with the model. @throws Error where they differ */
export function perform(scene: Scene, op: Operation): Promise<void> {
  switch (op.kind) {
    case 'map':
      return map(scene, op);
    case 'unmap':
      return unmap(scene, op);
    case 'protect':
      return protect(scene, op);
    case 'remap':
      return remap(scene, op);
    case 'fork':
      return fork(scene, op);
    case 'close':
      return close(scene, op);
    case 'cpuRead':
    case 'cpuWrite':
    case 'dontNeed':
    case 'sync':
    case 'flush':
      return cpu(scene, op);
    case 'hold':
      return hold(scene, op);
    case 'attach':
    case 'detach':
      return attach(scene, op);
    case 'advise':
      return advise(scene, op);
    case 'remapPages':
      return remapPages(scene, op);
    case 'truncate':
      return truncate(scene, op);
    case 'pageOut':
    case 'reclaim':
      return reclaim(scene, op);
    case 'compact':
    case 'relocate':
      return moveOnHost(scene, op);
    case 'increment':
    case 'copy':
    case 'chase':
      return launch(scene, op);
    case 'lose':
      return lose(scene, op);
    case 'merge':
      return merge(scene, op);
    default:
      return device(scene, op);
  }
}

/** An operation in one line, as it can be pasted into a regression test. */
export function showOperation(op: Operation): string {
  return JSON.stringify(op);
}

const member = fc.nat({ max: 2 });
/** Half of what is written is the same, so that there are pages to merge. */
const seed = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 255 }));
const number = fc.nat({ max: 1 });
const access = fc.constantFrom('read-write', 'read-write', 'read-write', 'read', 'none');
const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });

const place: fc.Arbitrary<Place> = fc.record({
  member,
  region: fc.oneof(fc.constant(0), fc.nat({ max: 4 })),
  page: fc.nat({ max: 7 }),
  offset: fc.nat({ max: OFFSETS - 1 }),
  length: fc.nat({ max: LENGTHS - 1 }),
});

const mapping: fc.Arbitrary<MapOperation> = fc.record({
  kind: fc.constant('map'),
  member,
  where: fc.constantFrom('fixed', 'fixed', 'fixed', 'hint', 'free'),
  page: fc.nat({ max: 9 }),
  pages: fc.integer({ min: 1, max: 6 }),
  access,
  share: fc.constantFrom('private', 'private', 'shared'),
  file: fc.constantFrom(0, 0, 0, 1, 2, 3),
  filePage: fc.constantFrom(0, 0, 1, 2),
});

const deviceKinds = fc.constantFrom<DeviceOperation['kind'][]>(
  'read',
  'read',
  'read',
  'write',
  'write',
  'write',
  'fill',
  'atomicAdd',
  'prefetch',
  'prefetchWrite',
  'toDevice',
  'toHost',
  'exclusive',
  'harvest',
  'harvestWriteBack',
  'harvestWriteBack',
  'willNeed',
);
const cpuKinds = fc.constantFrom<CpuOperation['kind'][]>(
  'cpuRead',
  'cpuRead',
  'cpuWrite',
  'cpuWrite',
  'dontNeed',
  'sync',
  'flush',
);

const accesses = [
  { weight: 9, arbitrary: fc.record<DeviceOperation>({ kind: deviceKinds, place, device: number, seed }) },
  { weight: 5, arbitrary: fc.record<CpuOperation>({ kind: cpuKinds, place, seed }) },
  {
    weight: 2,
    arbitrary: fc.record<HoldOperation>({
      kind: fc.constant('hold'),
      place,
      mode: fc.constantFrom('read', 'write'),
      discard: fc.boolean(),
      seed,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record<RemapPagesOperation>({
      kind: fc.constant('remapPages'),
      member,
      region: fc.nat({ max: 4 }),
      page: fc.constantFrom(0, 0, 1, 2),
      pages: fc.constantFrom(1, 1, 2, 3),
      from: fc.nat({ max: 3 }),
      form: fc.constantFrom('callback', 'unmap-flush'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record<ReclaimOperation>({ kind: fc.constantFrom('pageOut', 'pageOut', 'reclaim'), place }),
  },
  {
    weight: 4,
    arbitrary: fc.record<LaunchOperation>({
      kind: fc.constantFrom('increment', 'increment', 'copy', 'chase'),
      place,
      other: place,
      device: number,
      seed,
      announced: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record<MergeOperation>({
      kind: fc.constant('merge'),
      member,
      alike: fc.constantFrom(0, 1, 1, 2),
      offer: fc.constantFrom(true, true, true, false),
      home: fc.constantFrom(true, true, true, false),
    }),
  },
];
const hostMoves = [
  {
    weight: 3,
    arbitrary: fc.record<HostOperation>({
      kind: fc.constantFrom('compact', 'relocate', 'relocate'),
      place,
      policy: fc.constantFrom('forbid', 'migrate', 'migrate', 'unmap'),
    }),
  },
];
const mappings = [
  {
    weight: 2,
    arbitrary: fc.record<TruncateOperation>({
      kind: fc.constant('truncate'),
      member,
      file: fc.nat({ max: 2 }),
      page: fc.nat({ max: 9 }),
      halves: fc.nat({ max: 6 }),
      device: number,
      beside: fc.constantFrom('nothing', 'reads', 'reads', 'writes', 'writes'),
    }),
  },
  { weight: 4, arbitrary: mapping },
  { weight: 2, arbitrary: fc.record<UnmapOperation>({ kind: fc.constant('unmap'), place }) },
  { weight: 2, arbitrary: fc.record<ProtectOperation>({ kind: fc.constant('protect'), place, access }) },
  {
    weight: 2,
    arbitrary: fc.record<RemapOperation>({
      kind: fc.constant('remap'),
      place,
      pages: fc.integer({ min: 1, max: 6 }),
      to: fc.integer({ min: -1, max: 9 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record<AdviseOperation>({
      kind: fc.constant('advise'),
      place,
      device: number,
      preferred: maybe(fc.constantFrom('host', 'device', 'none')),
      readMostly: maybe(fc.boolean()),
      accessedBy: maybe(fc.boolean()),
      pin: maybe(fc.boolean()),
      mergeable: maybe(fc.constantFrom(true, true, false)),
    }),
  },
];
const family = [
  {
    weight: 2,
    arbitrary: fc.record<AttachOperation>({
      kind: fc.constantFrom('attach', 'attach', 'detach'),
      member,
      device: number,
    }),
  },
  { weight: 1, arbitrary: fc.record<LossOperation>({ kind: fc.constant('lose'), device: number, seed }) },
  { weight: 2, arbitrary: fc.record<FamilyOperation>({ kind: fc.constantFrom('fork', 'fork', 'close'), member }) },
];

/** Anything there is. */
export const anyOperation: fc.Arbitrary<Operation> = fc.oneof(...accesses, ...mappings, ...hostMoves, ...family);

/** What lanes may do beside each other: nothing that concerns the space as a whole. */
export const laneOperation: fc.Arbitrary<Operation> = fc.oneof(...accesses, ...mappings, ...hostMoves);
