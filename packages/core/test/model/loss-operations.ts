import type { MirrorLostInfo } from '@mirrorspace/core';
import { FLAG_CACHED, FLAG_LOCKED, FLAG_OWNED, FLAG_PRESENT } from '@mirrorspace/core';
import type { PlainObject, PlainRegion, PlainSpace } from './plain.js';
import { agree, agreeOnBytes, pattern, type Scene } from './scene.js';
import { type Member, outcomeOf } from './world.js';

/** Loses a device; another one takes its place. */
export interface LossOperation {
  readonly kind: 'lose';
  readonly device: number;
  /** What becomes of pages that were lost: written whole, discarded, or held with `discard`; and how the new device is attached. */
  readonly seed: number;
}

/** Pages of shared memory that were ever shown, by object: what nobody shows any more can be shown again. */
const shown = new WeakMap<PlainObject, number>();

/** Takes note of which pages the regions show. */
export function noteShown({ members }: Scene): void {
  for (const { plain } of members)
    for (const { object, objectPage, start, end } of plain.regions)
      if (object !== undefined)
        shown.set(object, Math.max(shown.get(object) ?? 0, objectPage + (end - start) / plain.pageSize));
}

/**
 * What only the device had is lost, and nothing else: each mirror says so exactly, reads fail there, and everywhere else the bytes are
 * those of the model. Then what was lost gets contents again, and a new device is attached where the old one was.
 */
export async function lose(scene: Scene, op: LossOperation): Promise<void> {
  const { world, members } = scene;
  const number = op.device % world.devices.length;
  const attached = members.filter(({ mirrors }) => mirrors[number] !== undefined);
  if (!scene.alone || attached.length === 0 || members.some((member) => hides(scene, member))) return;
  const { name } = world.devices[number]!.info;
  const before = attached.map((member) => ownedBy(name, member));
  world.lose(number);
  const reports = new Map<Member, MirrorLostInfo>();
  for (const [i, member] of attached.entries()) {
    const report = await member.mirrors[number]!.lost;
    reports.set(member, report);
    checkReport(member, report, before[i]!);
    agree('read on a lost device', await outcomeOf(() => member.mirrors[number]!.read(scene.start, 1)), 'DEVICE_LOST');
  }
  const discard = op.seed % 4 === 3;
  if (discard) {
    await world.replace(number);
    for (const member of attached) await replaceAndDiscard(scene, member, number, reports.get(member)!);
  }
  for (const object of world.objects) await mendFile(scene, object, reports, op.seed);
  for (const member of members) {
    for (const region of member.plain.regions.slice())
      await mendRegion(scene, member, region, discard ? undefined : reports.get(member), op.seed);
  }
  if (discard) return;
  if (op.seed % 4 === 1) {
    await world.replace(number);
    for (const { space, mirrors } of attached) {
      const { mirror, lost } = await space.replace(mirrors[number]!, world.devices[number]!);
      if (lost.some(({ state }) => state !== 'renewed')) throw new Error(`replaced: ${JSON.stringify(lost)}`);
      mirrors[number] = mirror;
    }
    return;
  }
  for (const { mirrors, plain } of attached) {
    await mirrors[number]!.detach();
    mirrors[number] = undefined;
    for (const region of plain.regions) if (region.pin === number) region.pin = -1;
  }
  await world.replace(number);
  for (const member of attached) await world.attach(member, number);
}

/** Moves a mirror to the device that took the place of the lost one, and gives up what was lost. */
async function replaceAndDiscard(scene: Scene, member: Member, number: number, report: MirrorLostInfo): Promise<void> {
  const { space, plain, mirrors } = member;
  const { devices } = scene.world;
  const cells: (() => void)[] = [];
  for (const { start, end } of report.ranges)
    for (let at = start; at < end; at += plain.pageSize) cells.push(discarded(scene, member, at));
  const { mirror, lost } = await space.replace(mirrors[number]!, devices[number]!, { lost: 'discard' });
  mirrors[number] = mirror;
  for (const forget of cells) forget();
  // Of a page that is shown twice one place is discarded, and the other finds it renewed.
  if (lost.some(({ state }) => state !== 'discarded' && state !== 'renewed'))
    throw new Error(`discarded: ${JSON.stringify(lost)}`);
  const merged: { start: number; end: number }[] = [];
  for (const { start, end } of lost) {
    const last = merged[merged.length - 1];
    if (last?.end === start) last.end = end;
    else merged.push({ start, end });
  }
  if (JSON.stringify(merged) !== JSON.stringify(report.ranges))
    throw new Error(`lost: ${JSON.stringify(report.ranges)}, replaced: ${JSON.stringify(merged)}`);
}

/** What discarding the lost page at an address does to the model: a private copy goes, a shared page is what its file has. */
function discarded({ world }: Scene, { space, plain }: Member, at: number): () => void {
  const region = plain.at(at)!;
  const index = (at - region.start) / plain.pageSize;
  const flags = space.pageFlags(at, 1)[0]!;
  const own = region.own[index] !== undefined || ((flags & FLAG_PRESENT) !== 0 && (flags & FLAG_CACHED) === 0);
  if ((!region.shared && own) || region.object === undefined) return () => plain.discard(at, at + plain.pageSize);
  const { file } = region.object;
  const cell = region.object.page(region.objectPage + index);
  const first = (region.objectPage + index) * plain.pageSize;
  return () => {
    cell.fill(0);
    if (file >= 0) cell.set(world.fileBytes(file).subarray(first, first + plain.pageSize));
  };
}

/** Whether shared anonymous memory has pages that no region shows: nobody could look whether they are lost. */
function hides({ members }: Scene, { plain }: Member): boolean {
  return plain.regions.some(({ object }) => {
    if (object === undefined || object.file >= 0) return false;
    const seen = new Set<number>();
    for (const { plain: other } of members)
      for (const region of other.regions)
        if (region.object === object)
          for (let i = 0; i < (region.end - region.start) / plain.pageSize; i++) seen.add(region.objectPage + i);
    return seen.size < shown.get(object)!;
  });
}

/** By address: whether the device owns the page there; `undefined` where that is changing. */
function ownedBy(name: string, { space, plain }: Member): Map<number, boolean | undefined> {
  const owned = new Map<number, boolean | undefined>();
  for (const { start, end } of plain.regions) {
    for (const [i, flags] of space.pageFlags(start, end - start).entries()) {
      const address = start + i * plain.pageSize;
      const here = space.devicesWith(address).includes(name);
      owned.set(address, (flags & FLAG_LOCKED) !== 0 ? undefined : here && (flags & FLAG_OWNED) !== 0);
    }
  }
  return owned;
}

function isReported(report: MirrorLostInfo, address: number): boolean {
  return report.ranges.some(({ start, end }) => start <= address && address < end);
}

function checkReport({ plain }: Member, report: MirrorLostInfo, owned: Map<number, boolean | undefined>): void {
  if (report.error.code !== 'DEVICE_LOST') throw new Error(`lost: ${report.error.code}`);
  for (const [address, was] of owned) {
    const said = isReported(report, address);
    // A page that is mapped twice is lost at both places, whichever of them the device used.
    if (was === true && !said)
      throw new Error(`lost: 0x${address.toString(16)} was the device's alone; nobody says so`);
  }
  for (const { start, end } of report.ranges)
    for (let at = start; at < end; at += plain.pageSize)
      if (!owned.has(at)) throw new Error(`lost: 0x${at.toString(16)} is not mapped`);
}

/** Looks at the pages of a file through a mapping of its own: its regions may show a part only. */
async function mendFile(
  scene: Scene,
  object: PlainObject,
  reports: ReadonlyMap<Member, MirrorLostInfo>,
  seed: number,
): Promise<void> {
  const { space } = scene.members[0]!;
  const source = scene.world.sources[object.file]!;
  const isMapped = scene.members.some(({ plain }) => plain.regions.some((region) => region.object === object));
  // What cannot be written no device can own.
  if (!isMapped || source.write === undefined || object.size === 0) return;
  const bytes = Math.ceil(object.size / object.pageSize) * object.pageSize;
  const region = space.map({ bytes, source, share: 'shared' });
  for (let at = 0; at < bytes; at += object.pageSize) {
    const cell = object.page(at / object.pageSize);
    const outcome = await outcomeOf(() => space.read(region.start + at, object.pageSize));
    if ('value' in outcome) {
      agreeOnBytes('beside what was lost, in a file', at, outcome.value, cell);
      continue;
    }
    agree('read of a lost page of a file', outcome, 'DEVICE_LOST');
    for (const [{ plain }, report] of reports)
      for (const address of placesOf(plain, object, at / object.pageSize))
        if (!isReported(report, address)) throw new Error(`0x${address.toString(16)} is lost; nobody said so`);
    cell.set(pattern(seed, object.pageSize));
    await space.write(region.start + at, cell);
  }
  await region.unmap();
}

/** Where shared regions show a page of an object. */
function placesOf(plain: PlainSpace, object: PlainObject, index: number): number[] {
  return plain.regions
    .filter((region) => region.object === object && region.shared)
    .map(({ start, end, objectPage }) => ({ end, address: start + (index - objectPage) * plain.pageSize, start }))
    .filter(({ start, end, address }) => start <= address && address < end)
    .map(({ address }) => address);
}

/** Looks at every page of a region; what is lost must have been said, and gets contents again. */
async function mendRegion(
  scene: Scene,
  { space, plain }: Member,
  region: PlainRegion,
  report: MirrorLostInfo | undefined,
  seed: number,
): Promise<void> {
  const { start, end, access, shared, object } = region;
  const size = plain.pageSize;
  const writable = !shared || object!.file < 0 || scene.world.sources[object!.file]!.write !== undefined;
  if (access !== 'read-write') await space.protect(start, end - start, writable ? 'read-write' : 'read');
  for (let at = start; at < end; at += size) {
    const outcome = await outcomeOf(() => space.read(at, size));
    if (plain.isBehind(at)) {
      agree('read behind the end of a file', outcome, 'IO');
      continue;
    }
    if ('value' in outcome) {
      agreeOnBytes('beside what was lost', at, outcome.value, plain.read(at, size));
      // Pages of files have been mended by now, and shared ones where they were met first.
      if (report !== undefined && isReported(report, at) && !shared && object === undefined)
        throw new Error(`0x${at.toString(16)} was said to be lost`);
      continue;
    }
    agree('read of a lost page', outcome, 'DEVICE_LOST');
    if (report !== undefined && !isReported(report, at))
      throw new Error(`0x${at.toString(16)} is lost; nobody said so`);
    agree('write of a part', await outcomeOf(() => space.write(at + 4, new Uint8Array(4))), 'DEVICE_LOST');
    if (!shared && seed % 3 === 0) {
      await space.dontNeed(at, size);
      plain.discard(at, at + size);
    } else if (seed % 3 === 1) {
      const held = await space.acquire(at, size, 'write', { discard: true });
      held.release();
      plain.write(at, new Uint8Array(size));
    } else {
      await space.write(at, pattern(seed, size));
      plain.write(at, pattern(seed, size));
    }
  }
  if (access !== 'read-write') await space.protect(start, end - start, access);
}
