import type { Mirror } from '@mirrorspace/core';
import { checkSynced } from './cpu-operations.js';
import {
  agree,
  agreeOnBytes,
  agreeOnCount,
  alignedSpan,
  memberOf,
  mirrorOf,
  pattern,
  type Place,
  type Scene,
  type Span,
  spanOf,
} from './scene.js';
import { outcomeOf } from './world.js';

/** A device accesses a range, or its pages are moved. */
export interface DeviceOperation {
  readonly kind:
    | 'read'
    | 'write'
    | 'fill'
    | 'atomicAdd'
    | 'prefetch'
    | 'prefetchWrite'
    | 'toDevice'
    | 'toHost'
    | 'exclusive'
    | 'harvest'
    | 'harvestWriteBack'
    | 'willNeed';
  readonly place: Place;
  readonly device: number;
  readonly seed: number;
}

/** Attaches a device to a space, or detaches it. */
export interface AttachOperation {
  readonly kind: 'attach' | 'detach';
  readonly member: number;
  readonly device: number;
}

/** Gives advice; a field is left out where it is `undefined`. */
export interface AdviseOperation {
  readonly kind: 'advise';
  readonly place: Place;
  readonly device: number;
  readonly preferred: 'host' | 'device' | 'none' | undefined;
  readonly readMostly: boolean | undefined;
  readonly accessedBy: boolean | undefined;
  readonly pin: boolean | undefined;
  readonly mergeable?: boolean | undefined;
}

/** Frames that are never pinned: what a work unit of the test may need at once. */
const SPARE_FRAMES = 4;

export async function device(scene: Scene, op: DeviceOperation): Promise<void> {
  const span = placeOf(scene, op);
  const { member, plain, start } = span;
  const mirror = mirrorOf(member, op.device);
  if (mirror === undefined) return;
  const bytes = op.kind === 'atomicAdd' ? 4 : span.bytes;
  const range = plain.widen(start, bytes);
  switch (op.kind) {
    case 'read': {
      const refused = plain.refused(range.start, range.end, false);
      const data = agree('device read', await outcomeOf(() => mirror.read(start, bytes)), refused?.code);
      if (data !== undefined) agreeOnBytes('device read', start, data, plain.read(start, bytes));
      return;
    }
    case 'write':
    case 'fill': {
      const refused = plain.refused(range.start, range.end, true);
      const data = op.kind === 'write' ? pattern(op.seed, bytes) : new Uint8Array(bytes).fill(op.seed);
      const call = () => (op.kind === 'write' ? mirror.write(start, data) : mirror.fill(start, bytes, op.seed));
      agree(`device ${op.kind}`, await outcomeOf(call), refused?.code);
      // Pages in front of the one that was refused are written.
      const count = refused === undefined ? bytes : Math.max(0, refused.address - start);
      if (count > 0) plain.write(start, data.subarray(0, count));
      return;
    }
    case 'atomicAdd': {
      const refused = plain.refused(range.start, range.end, true);
      const before = agree('atomicAdd', await outcomeOf(() => mirror.atomicAdd(start, op.seed)), refused?.code);
      if (before === undefined) return;
      const expected = plain.load32(start);
      if (before !== expected) throw new Error(`atomicAdd returned ${before}, the model says ${expected}`);
      plain.store32(start, expected + op.seed);
      return;
    }
    default:
      await movePages(op, mirror, { ...span, bytes }, (range.end - range.start) / plain.pageSize);
      if (op.kind === 'harvestWriteBack' && plain.hole(range.start, range.end) === undefined)
        checkSynced(scene, { plain, start, bytes });
  }
}

function placeOf(scene: Scene, op: DeviceOperation): Span {
  if (op.kind === 'atomicAdd') return alignedSpan(scene, { ...op.place, length: 1 }, 4);
  const span = spanOf(scene, op.place);
  if (op.kind !== 'harvestWriteBack') return span;
  // By chance a range would seldom have anything that can be written back.
  const { member, plain } = span;
  const files = plain.regions.filter(({ object, shared }) => shared && object!.file >= 0);
  const region = files[op.place.region % Math.max(1, files.length)];
  return region === undefined ? span : { member, plain, start: region.start, bytes: region.end - region.start };
}

async function movePages(
  op: DeviceOperation,
  mirror: Mirror,
  { member, plain, start, bytes }: ReturnType<typeof spanOf>,
  pages: number,
): Promise<void> {
  const range = plain.widen(start, bytes);
  const outcome = await outcomeOf(async () => {
    switch (op.kind) {
      case 'prefetch':
        return mirror.prefetch(start, bytes);
      case 'prefetchWrite':
        return mirror.prefetch(start, bytes, { access: 'write' });
      case 'toDevice':
      case 'toHost':
        return mirror.migrate(start, bytes, op.kind === 'toHost' ? 'host' : 'device');
      case 'exclusive':
        return mirror.exclusive(start, bytes);
      case 'harvest':
      case 'harvestWriteBack': {
        const { accessed, dirty, written } = await mirror.harvest(start, bytes, {
          writeBack: op.kind === 'harvestWriteBack',
        });
        return Math.max(accessed, dirty, written);
      }
      default:
        await member.space.willNeed(start, bytes, mirror);
        return 0;
    }
  });
  const count = agree(op.kind, outcome, plain.hole(range.start, range.end));
  if (count !== undefined) agreeOnCount(op.kind, count, pages);
}

export async function attach(scene: Scene, op: AttachOperation): Promise<void> {
  const member = memberOf(scene, op.member);
  const number = op.device % scene.world.devices.length;
  const { plain, mirrors } = member;
  const mirror = mirrors[number];
  if (op.kind === 'attach') {
    const expected = mirror === undefined ? undefined : 'INVALID_ARGUMENT';
    agree('attach', await outcomeOf(() => scene.world.attach(member, number)), expected);
  } else if (mirror !== undefined) {
    mirrors[number] = undefined;
    for (const region of plain.regions) if (region.pin === number) region.pin = -1;
    await mirror.detach();
    agree('read through a detached mirror', await outcomeOf(() => mirror.read(scene.start, 1)), 'CLOSED');
  }
}

export async function advise(scene: Scene, op: AdviseOperation): Promise<void> {
  const { member, plain, start, bytes } = spanOf(scene, op.place);
  const range = plain.widen(start, bytes);
  const number = op.device % Math.max(1, member.mirrors.length);
  const mirror = member.mirrors[number];
  const pages = (range.end - range.start) / plain.pageSize;
  const room = scene.world.config.frames[number]! - SPARE_FRAMES - scene.world.pinned(number);
  const pin =
    op.pin === true && mirror !== undefined && scene.alone && pages <= room && !plain.isBehind(start) ? mirror : null;
  const preferred = { host: 'host', device: mirror ?? null, none: null } as const;
  const outcome = await outcomeOf(() =>
    member.space.advise(start, bytes, {
      ...(op.preferred !== undefined && { preferredLocation: preferred[op.preferred] }),
      ...(op.readMostly !== undefined && { readMostly: op.readMostly }),
      ...(op.accessedBy !== undefined && { accessedBy: op.accessedBy && mirror !== undefined ? [mirror] : [] }),
      ...(op.pin !== undefined && { pin }),
      ...(op.mergeable !== undefined && { mergeable: op.mergeable }),
    }),
  );
  let expected = plain.hole(range.start, range.end);
  if (expected === undefined && pin !== null) expected = plain.refused(range.start, range.end, false)?.code;
  agree('advise', outcome, expected);
  if (expected !== undefined) return;
  const regions = plain.isolate(range.start, range.end);
  if (op.pin !== undefined) for (const region of regions) region.pin = pin === null ? -1 : number;
}
