import { type PlainAccess, PlainObject, type PlainSpace } from './plain.js';
import { agree, memberOf, type Place, type Scene, settle, wholeSpanOf } from './scene.js';
import { type Member, outcomeOf } from './world.js';

/** Maps memory or a file. */
export interface MapOperation {
  readonly kind: 'map';
  readonly member: number;
  /** Where: exactly there, there if it is free, or anywhere. */
  readonly where: 'fixed' | 'hint' | 'free';
  readonly page: number;
  readonly pages: number;
  readonly access: PlainAccess;
  readonly share: 'private' | 'shared';
  /** Which file; 0: none. */
  readonly file: number;
  /** First page of the file. */
  readonly filePage: number;
}

/** Takes a range out, whatever is in it. */
export interface UnmapOperation {
  readonly kind: 'unmap';
  readonly place: Place;
}

/** Changes rights. */
export interface ProtectOperation {
  readonly kind: 'protect';
  readonly place: Place;
  readonly access: PlainAccess;
}

/** Grows, shrinks, moves. */
export interface RemapOperation {
  readonly kind: 'remap';
  readonly place: Place;
  readonly pages: number;
  /** Page of the arena to move to; -1: wherever there is room. */
  readonly to: number;
}

/** Forks a space, or closes one that came from a fork. */
export interface FamilyOperation {
  readonly kind: 'fork' | 'close';
  readonly member: number;
}

export async function map(scene: Scene, op: MapOperation): Promise<void> {
  const member = memberOf(scene, op.member);
  const { plain, space } = member;
  const size = plain.pageSize;
  const page = scene.alone ? op.page : op.page % scene.pages;
  const address = scene.start + page * size;
  const file = op.file === 0 ? -1 : scene.files[(op.file - 1) % scene.files.length]!;
  const object = file < 0 ? undefined : scene.world.objects[file]!;
  let { pages } = op;
  if (!scene.alone && op.where !== 'free') pages = Math.min(pages, scene.pages - page);
  const filePages = object === undefined ? 0 : Math.ceil(object.size / size);
  // Six pages are left as they are, so that reaching beyond a file is tried, too.
  if (object !== undefined && pages < 6) pages = Math.max(1, Math.min(pages, filePages - op.filePage));
  const bytes = pages * size - (op.page % 2 === 0 ? 0 : 100);
  const source = object === undefined ? undefined : scene.world.sources[file]!;
  const outcome = await outcomeOf(() =>
    space.map({
      bytes,
      access: op.access,
      share: op.share,
      ...(op.where !== 'free' && { address }),
      ...(op.where === 'fixed' && { fixed: true }),
      ...(source !== undefined && { source, offset: op.filePage * size }),
    }),
  );
  const shared = op.share === 'shared';
  let expected: string | undefined;
  if (object !== undefined && op.filePage + pages > filePages) expected = 'RangeError';
  else if (shared && op.access === 'read-write' && source !== undefined && source.write === undefined)
    expected = 'INVALID_ARGUMENT';
  const region = agree('map', outcome, expected);
  if (region === undefined) return;
  const { start } = region;
  const end = start + pages * size;
  if (op.where === 'fixed' || (op.where === 'hint' && plain.overlapping(address, address + end - start).length === 0))
    if (start !== address) throw new Error(`map: got 0x${start.toString(16)}, the address was free or demanded`);
  if (op.where !== 'fixed') checkFree(plain, start, end);
  plain.map({
    start,
    end,
    access: op.access,
    shared,
    object: object ?? (shared ? new PlainObject(size) : undefined),
    objectPage: op.filePage * (object === undefined ? 0 : 1),
  });
  // What was replaced is let go in the background.
  if (op.where === 'fixed' && scene.alone) await settle(member);
}

export async function unmap(scene: Scene, op: UnmapOperation): Promise<void> {
  const { member, plain, start, bytes } = wholeSpanOf(scene, op.place);
  await member.space.unmap(start, bytes);
  const range = plain.widen(start, bytes);
  plain.unmap(range.start, range.end);
}

export async function protect(scene: Scene, op: ProtectOperation): Promise<void> {
  const { member, plain, start, bytes } = wholeSpanOf(scene, op.place);
  const range = plain.widen(start, bytes);
  const outcome = await outcomeOf(() => member.space.protect(start, bytes, op.access));
  let expected = plain.hole(range.start, range.end);
  const unwritable = plain
    .overlapping(range.start, range.end)
    .some(
      ({ shared, object }) => shared && object!.file >= 0 && scene.world.sources[object!.file]!.write === undefined,
    );
  if (op.access === 'read-write' && unwritable) expected ??= 'INVALID_ARGUMENT';
  agree('protect', outcome, expected);
  if (expected !== undefined) return;
  for (const region of plain.isolate(range.start, range.end)) region.access = op.access;
}

export async function remap(scene: Scene, op: RemapOperation): Promise<void> {
  const { member, plain, start: at, bytes: length } = wholeSpanOf(scene, op.place);
  const { start, end } = plain.widen(at, length);
  const bytes = op.pages * plain.pageSize;
  const target = op.to < 0 ? undefined : scene.start + op.to * plain.pageSize;
  const whole = plain.at(start);
  // A pin that grows could take the whole device.
  if (whole !== undefined && whole.pin >= 0 && bytes > end - start) return;
  if (!scene.alone && !staysInLane(scene, start, end, bytes, target)) return;
  const expected = remapError(plain, start, end, bytes, target);
  const outcome = await outcomeOf(() =>
    member.space.remap(at, length, { bytes, ...(target !== undefined && { address: target }) }),
  );
  const region = agree('remap', outcome, expected);
  if (region === undefined) return;
  const to = region.start;
  if (target === undefined && (bytes <= end - start || plain.overlapping(end, start + bytes).length === 0)) {
    if (to !== start) throw new Error('remap: moved although there was room');
  } else if (target === undefined) checkFree(plain, to, to + bytes);
  else if (to !== target) throw new Error('remap: moved to another address than demanded');
  if (target !== undefined) plain.unmap(target, target + bytes);
  if (bytes < end - start) plain.unmap(start + bytes, end);
  plain.move(plain.isolate(start, Math.min(end, start + bytes))[0]!, to, bytes);
}

export async function fork(scene: Scene, op: FamilyOperation): Promise<void> {
  if (scene.members.length >= 3) return;
  const { space, plain } = memberOf(scene, op.member);
  scene.members.push({ space: await space.fork(), plain: plain.fork(), mirrors: [] });
}

export async function close(scene: Scene, op: FamilyOperation): Promise<void> {
  const member = memberOf(scene, op.member);
  if (scene.members.length === 1) return;
  scene.members.splice(scene.members.indexOf(member), 1);
  await member.space.close();
  agree('map in a closed space', await outcomeOf(() => member.space.map({ bytes: 1 })), 'CLOSED');
}

/** The model and the space must have the same regions. */
export function checkRegions({ space, plain }: Member): void {
  const show = (region: { start: number; end: number; access: string; shared: boolean }) =>
    `${region.start.toString(16)}-${region.end.toString(16)} ${region.access}${region.shared ? ' shared' : ''}`;
  const actual = space.regions().map(show).join(', ');
  const expected = plain.regions.map(show).join(', ');
  if (actual !== expected) throw new Error(`regions are ${actual}; the model says ${expected}`);
}

function remapError(
  plain: PlainSpace,
  start: number,
  end: number,
  bytes: number,
  target: number | undefined,
): string | undefined {
  const hole = plain.hole(start, end);
  if (hole !== undefined) return hole;
  const region = plain.at(start)!;
  if (region.end < end) return 'INVALID_ARGUMENT';
  const { object, objectPage } = region;
  const firstPage = objectPage + (start - region.start) / plain.pageSize;
  if (object !== undefined && object.file >= 0)
    if (firstPage + bytes / plain.pageSize > Math.ceil(object.size / plain.pageSize)) return 'RangeError';
  return target !== undefined && target < end && start < target + bytes ? 'RangeError' : undefined;
}

/** Whether a remap can be told apart from what other lanes do. */
function staysInLane(scene: Scene, start: number, end: number, bytes: number, target: number | undefined): boolean {
  const laneEnd = scene.start + scene.pages * scene.world.config.pageSize;
  if (target !== undefined) return target + bytes <= laneEnd;
  return bytes <= end - start || (start >= scene.start && start + bytes <= laneEnd);
}

function checkFree(plain: PlainSpace, start: number, end: number): void {
  if (plain.overlapping(start, end).length > 0) throw new Error(`0x${start.toString(16)} was given out, but is in use`);
}
