import { map } from './map-operations.js';
import type { PlainObject } from './plain.js';
import { agree, agreeOnBytes, memberOf, mirrorOf, pattern, type Scene } from './scene.js';
import { type Member, outcomeOf } from './world.js';

/**
 * Makes a file shorter or longer, which is mapped before if nothing shows it, while a device uses its last page, and looks behind its end. Of what others use of the file at that
 * time the model could not tell whether it came before, so a file has one lane.
 */
export interface TruncateOperation {
  readonly kind: 'truncate';
  readonly member: number;
  readonly file: number;
  /** Page at which it is mapped if need be. */
  readonly page: number;
  /** Length, in half pages. */
  readonly halves: number;
  readonly device: number;
  /** What a device does meanwhile, in front of both ends; where it writes, it wrote behind the old end before. */
  readonly beside: 'nothing' | 'reads' | 'writes';
}

/** Accesses beside a truncation. */
const BESIDE = 4;

export async function truncate(scene: Scene, op: TruncateOperation): Promise<void> {
  const { world } = scene;
  const number = op.file % scene.files.length;
  const file = scene.files[number]!;
  const object = world.objects[file]!;
  const { pageSize } = object;
  if (!isMapped(scene, file, true) && object.size > 0) {
    const access = world.sources[file]!.write === undefined ? 'read' : 'read-write';
    const { member, page } = op;
    const whole = { kind: 'map', where: 'fixed', pages: 5, share: 'shared', filePage: 0 } as const;
    await map(scene, { ...whole, member, page, access, file: number + 1 });
  }
  let size = Math.min(object.capacity, (op.halves * pageSize) / 2);
  // What is stored behind the end goes with the last page, some time after the last unmap: nobody can say when, while others are at work.
  if (!scene.alone) size = Math.ceil(size / pageSize) * pageSize;
  // A private copy keeps what it has of the last page, and there may be copies that the model knows nothing of.
  if (isMapped(scene, file, false)) {
    if (size > object.size && object.size % pageSize > 0) return;
    if (size < object.size) size = Math.min(object.size, Math.ceil(size / pageSize) * pageSize);
  }
  const member = memberOf(scene, op.member);
  if (object.size % pageSize > 0) await access(member, object, Math.floor(object.size / pageSize), object.size, op);
  const last = Math.ceil(Math.min(size, object.size) / pageSize) - 1;
  const beside = access(member, object, last, 0, op);
  const truncated = outcomeOf(() => member.space.truncate(world.sources[file]!, size));
  await beside;
  agree('truncate', await truncated, undefined);
  const end = Math.ceil(size / pageSize);
  object.truncate(size);
  for (const { plain } of scene.members)
    for (const { own, objectPage, ...region } of plain.regions)
      if (region.object === object) own.fill(undefined, Math.max(0, end - objectPage));
  await lookAt(scene, object, last);
  await lookBehind(scene, object, end);
}

function isMapped({ world, members }: Scene, file: number, shared: boolean): boolean {
  return members.some(({ plain }) =>
    plain.regions.some((region) => region.object === world.objects[file] && region.shared === shared),
  );
}

/** The page must show what the model says, for the CPU and for devices. */
async function lookAt(scene: Scene, object: PlainObject, page: number): Promise<void> {
  for (const { space, plain, mirrors } of scene.members) {
    for (const region of plain.regions) {
      const at = region.start + (page - region.objectPage) * plain.pageSize;
      if (region.object !== object || region.access === 'none' || at < region.start || at >= plain.endOf(region))
        continue;
      for (const who of [...mirrors, space])
        if (who !== undefined)
          agreeOnBytes('the last page', at, await who.read(at, plain.pageSize), plain.read(at, plain.pageSize));
    }
  }
}

/** A device uses a word of a page of a file, if it shows. */
async function access(
  member: Member,
  object: PlainObject,
  page: number,
  byte: number,
  { device, beside }: TruncateOperation,
): Promise<void> {
  const { plain } = member;
  const mirror = mirrorOf(member, device);
  if (mirror === undefined || beside === 'nothing' || page < 0) return;
  for (const region of plain.regions) {
    const start = region.start + (page - region.objectPage) * plain.pageSize;
    const isAllowed = beside === 'reads' ? region.access !== 'none' : region.access === 'read-write';
    if (region.object !== object || !region.shared || !isAllowed || start < region.start || start >= region.end)
      continue;
    const at = start + (byte % plain.pageSize);
    for (let i = 0; i < BESIDE; i++) {
      if (beside === 'writes') {
        agree('write beside a truncation', await outcomeOf(() => mirror.write(at, pattern(i, 4))), undefined);
        plain.write(at, pattern(i, 4));
      } else {
        const read = agree('read beside a truncation', await outcomeOf(() => mirror.read(at, 4)), undefined);
        agreeOnBytes('read beside a truncation', at, read!, plain.read(at, 4));
      }
    }
    return;
  }
}

/** The first page of each region that lies behind the end must not be there, for the CPU and for devices. */
async function lookBehind(scene: Scene, object: PlainObject, end: number): Promise<void> {
  for (const { space, plain, mirrors } of scene.members) {
    for (const region of plain.regions) {
      const address = region.start + Math.max(0, end - region.objectPage) * plain.pageSize;
      if (region.object !== object || address >= region.end) continue;
      const expected = region.access === 'none' ? 'ACCESS_DENIED' : 'IO';
      for (const who of [space, ...mirrors])
        if (who !== undefined) agree('read behind the end', await outcomeOf(() => who.read(address, 4)), expected);
    }
  }
}
