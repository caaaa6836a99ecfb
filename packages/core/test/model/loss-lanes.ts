import { FLAG_LOCKED, FLAG_OWNED, type Mirror } from '@mirrorspace/core';
import fc from 'fast-check';
import { abandon, finish, inTime } from './finish.js';
import { ARENA, type Member, outcomeOf, World, type WorldConfig } from './world.js';

/** What a lane does to one of its pages, on one of two devices where a device does it. */
export interface LossLaneOperation {
  readonly kind:
    | 'cpuRead'
    | 'cpuWrite'
    | 'cpuWhole'
    | 'read'
    | 'write'
    | 'fill'
    | 'own'
    | 'toHost'
    | 'harvest'
    | 'writeBack'
    | 'sync'
    | 'relocate'
    | 'pageOut';
  readonly page: number;
  readonly word: number;
  readonly device: number;
}

/** Lanes, and how many turns of the scheduler go by before the first device is lost. */
export interface LossRun {
  readonly lanes: readonly { readonly shared: boolean; readonly operations: readonly LossLaneOperation[] }[];
  readonly turns: number;
}

const PAGES = 3;
const WORDS = 3;
const POLICIES = ['forbid', 'migrate', 'unmap'] as const;

const operation: fc.Arbitrary<LossLaneOperation> = fc.record({
  kind: fc.constantFrom<LossLaneOperation['kind'][]>(
    'cpuRead',
    'cpuWrite',
    'cpuWhole',
    'read',
    'write',
    'write',
    'fill',
    'own',
    'toHost',
    'harvest',
    'writeBack',
    'sync',
    'relocate',
    'pageOut',
  ),
  page: fc.nat({ max: PAGES - 1 }),
  word: fc.nat({ max: WORDS - 1 }),
  device: fc.constantFrom(0, 0, 0, 1),
});

export const anyLossRun: fc.Arbitrary<LossRun> = fc.record({
  lanes: fc.array(
    fc.record({ shared: fc.boolean(), operations: fc.array(operation, { minLength: 2, maxLength: 14, size: 'max' }) }),
    { minLength: 2, maxLength: 4, size: 'max' },
  ),
  turns: fc.nat({ max: 120 }),
});

/** What is known of a page of a lane. */
class LanePage {
  /** What each word may be. */
  readonly words = Array.from({ length: WORDS }, () => new Set([0]));
  /** All that each word ever was. */
  readonly ever = Array.from({ length: WORDS }, () => new Set([0]));
  /** Whether the first device may own it: it was asked to, and nobody has taken it back since. */
  mayOwn = false;
  /** What of that was so when the device was lost. */
  mayBeLost = false;
  /** Whether its unlocked content was on the first device alone when that was lost. */
  mustBeLost = false;
  /** Whether an access said that it is lost, and nobody has given it contents since. */
  isLost = false;
  /** Whether it got contents after the loss that the loss cannot have taken. */
  renewed = false;

  /** A word is about to be written. */
  attempt(word: number, value: number): void {
    this.words[word]!.add(value);
    this.ever[word]!.add(value);
  }

  /** A word was written. */
  settle(word: number, value: number): void {
    this.words[word]!.clear();
    this.words[word]!.add(value);
  }
}

/** One lane: a region, its pages, and the bytes of its file if it has one. */
interface Lane {
  readonly start: number;
  readonly pages: readonly LanePage[];
  readonly file: number;
}

/**
 * Runs lanes side by side, in the order that the scheduler says, and loses the first of two devices in the middle. A page is lost only if
 * that device may have owned it, surely if it did, and is said to be lost exactly then; all else is what the lane wrote.
 */
export async function runLoss(config: WorldConfig, scheduler: fc.Scheduler, plan: LossRun): Promise<void> {
  const world = await World.open(config, () => scheduler.schedule(Promise.resolve(), 'device'));
  try {
    await inTime(world, () => scheduler.waitFor(run(world, scheduler, plan)));
  } finally {
    await abandon(world);
  }
}

async function run(world: World, scheduler: fc.Scheduler, { lanes: plans, turns }: LossRun): Promise<void> {
  const member = world.members[0]!;
  await world.attach(member, 1);
  const lanes = plans.map(({ shared }, number) => mapLane(world, member, number, shared));
  const [lost] = member.mirrors as [Mirror];
  const losing = (async () => {
    for (let i = 0; i < turns; i++) await scheduler.schedule(Promise.resolve(), 'loss');
    takeStock(world, member, lanes);
    world.lose(0);
    return lost.lost;
  })();
  let next = 1;
  const working = plans.map(async ({ operations }, number) => {
    for (const op of operations) {
      await scheduler.schedule(Promise.resolve(), `lane ${number}`);
      try {
        await perform(world, member, lanes[number]!, op, next++);
      } catch (error) {
        throw new Error(`lane ${number}: ${JSON.stringify(op)}`, { cause: error });
      }
    }
  });
  const [report] = await Promise.all([losing, ...working]);
  for (const lane of lanes) {
    for (const [i, page] of lane.pages.entries()) {
      const at = lane.start + i * world.config.pageSize;
      const said = report.ranges.some(({ start, end }) => start <= at && at < end);
      await checkPage(member, page, at, said);
    }
  }
  for (const { start, end } of report.ranges)
    if (!lanes.some((lane) => lane.start <= start && end <= lane.start + PAGES * world.config.pageSize))
      throw new Error(`lost: 0x${start.toString(16)} is of no lane`);
  await lost.detach();
  member.mirrors[0] = undefined;
  for (const { start } of member.space.regions()) await member.space.unmap(start, PAGES * world.config.pageSize);
  for (const lane of lanes) {
    checkFile(world, lane);
    for (let i = 0; lane.file >= 0 && i < PAGES; i++)
      world.objects[lane.file]!.page(i).set(pageOf(world, world.fileBytes(lane.file), i));
  }
  await finish(world);
}

function mapLane(world: World, member: Member, number: number, shared: boolean): Lane {
  const { pageSize } = world.config;
  const start = ARENA + 2 * number * PAGES * pageSize;
  const bytes = PAGES * pageSize;
  const file = shared ? world.addFile(bytes, true) : -1;
  if (shared) world.fileBytes(file).fill(0);
  member.space.map({
    bytes,
    address: start,
    fixed: true,
    ...(shared && { source: world.sources[file]!, share: 'shared' }),
  });
  return { start, pages: Array.from({ length: PAGES }, () => new LanePage()), file };
}

function pageOf({ config }: World, bytes: Uint8Array, index: number): Uint8Array {
  return bytes.subarray(index * config.pageSize, (index + 1) * config.pageSize);
}

/** What the loss may take, and what it must take. */
function takeStock(world: World, { space }: Member, lanes: readonly Lane[]): void {
  const { name } = world.devices[0]!.info;
  for (const { start, pages } of lanes) {
    for (const [i, page] of pages.entries()) {
      const at = start + i * world.config.pageSize;
      const flags = space.pageFlags(at, 1)[0]!;
      const owned = space.devicesWith(at).includes(name) && (flags & FLAG_OWNED) !== 0;
      if (owned && !page.mayOwn) throw new Error(`0x${at.toString(16)} is the device's, which nobody asked for`);
      page.mayBeLost = page.mayOwn;
      page.mustBeLost = owned && (flags & FLAG_LOCKED) === 0;
    }
  }
}

async function perform(world: World, member: Member, lane: Lane, op: LossLaneOperation, value: number): Promise<void> {
  const { space } = member;
  const { pageSize } = world.config;
  const mirror = member.mirrors[op.device]!;
  const start = lane.start + op.page * pageSize;
  const page = lane.pages[op.page]!;
  const at = start + op.word * 8;
  const bytes = new Uint8Array(Uint32Array.of(value).buffer);
  const all = [lane.start, PAGES * pageSize] as const;
  /** Runs it on the CPU or on a device; fails where it may not fail. Says whether it was done. */
  const done = async (
    call: () => Promise<unknown>,
    pages: readonly LanePage[],
    onDevice: boolean,
  ): Promise<boolean> => {
    const could = pages.some((one) => one.mayOwn || one.isLost);
    const outcome = await outcomeOf(call);
    if ('value' in outcome) return true;
    if (outcome.code !== 'DEVICE_LOST') throw new Error(`failed with ${outcome.code}`);
    if (!(onDevice && op.device === 0) && !could) throw new Error('is lost, though the device cannot have owned it');
    return false;
  };
  const taken = (ok: boolean, pages: readonly LanePage[]) => {
    for (const one of pages) if (ok) one.mayOwn = false;
  };
  switch (op.kind) {
    case 'cpuRead':
    case 'read': {
      let data: Uint8Array = new Uint8Array(0);
      const onDevice = op.kind === 'read';
      // Other placements let a device own what it reads.
      if (onDevice && op.device === 0 && world.config.placement !== 'on-touch') page.mayOwn = true;
      const ok = await done(async () => (data = await (onDevice ? mirror : space).read(start, 64)), [page], onDevice);
      if (ok) checkWords(page, start, data);
      if (!onDevice || op.device === 1) {
        taken(ok, [page]);
        page.isLost ||= !ok;
      }
      return;
    }
    case 'cpuWrite':
    case 'write': {
      const onDevice = op.kind === 'write';
      if (onDevice && op.device === 0) page.mayOwn = true;
      page.attempt(op.word, value);
      const ok = await done(() => (onDevice ? mirror : space).write(at, bytes), [page], onDevice);
      if (ok) page.settle(op.word, value);
      if (!onDevice || op.device === 1) {
        taken(ok, [page]);
        page.isLost ||= !ok;
      }
      return;
    }
    case 'cpuWhole':
    case 'fill': {
      const onDevice = op.kind === 'fill';
      const word = (value % 255) * 0x01010101;
      const isLost = page.isLost;
      if (onDevice && op.device === 0) page.mayOwn = true;
      for (let i = 0; i < WORDS; i++) page.attempt(i, word);
      const filling = () =>
        onDevice
          ? mirror.fill(start, pageSize, value % 255)
          : space.write(start, new Uint8Array(pageSize).fill(value % 255));
      const ok = await done(filling, [page], onDevice);
      if (ok) for (let i = 0; i < WORDS; i++) page.settle(i, word);
      if (!onDevice) {
        if (!ok && isLost) throw new Error('a lost page cannot be written whole');
        page.isLost = !ok;
        page.renewed ||= ok;
      } else if (op.device === 1) page.isLost ||= !ok;
      if (!onDevice || op.device === 1) taken(ok, [page]);
      return;
    }
    case 'own':
      if (op.device === 0) page.mayOwn = true;
      await done(() => mirror.exclusive(start, pageSize), [page], true);
      return;
    case 'toHost': {
      const ok = await done(() => mirror.migrate(start, pageSize, 'host'), [page], true);
      if (op.device === 0) taken(ok, [page]);
      return;
    }
    case 'harvest':
    case 'writeBack':
      await done(() => mirror.harvest(...all, { writeBack: op.kind === 'writeBack' }), lane.pages, true);
      return;
    case 'sync':
      await done(() => space.sync(...all), lane.pages, false);
      return;
    case 'relocate':
      await done(() => space.relocate(...all, { devicePages: POLICIES[op.word]! }), [], false);
      return;
    default:
      await done(() => space.pageOut(...all), lane.pages, false);
  }
}

function checkWords(page: LanePage, start: number, data: Uint8Array): void {
  const view = new DataView(data.buffer, data.byteOffset);
  for (const [i, allowed] of page.words.entries()) {
    const value = view.getUint32(i * 8, true);
    if (!allowed.has(value))
      throw new Error(`word ${i} at 0x${start.toString(16)} is ${value}; it can only be ${[...allowed].join()}`);
  }
}

async function checkPage({ space }: Member, page: LanePage, at: number, said: boolean): Promise<void> {
  const where = `0x${at.toString(16)}`;
  if (said && !page.mayBeLost) throw new Error(`${where} was said to be lost, though the device cannot have owned it`);
  if (!said && page.mustBeLost) throw new Error(`${where} was the device's alone; nobody says that it is lost`);
  if (!said && page.isLost) throw new Error(`${where} is lost; nobody said so`);
  const outcome = await outcomeOf(() => space.read(at, 64));
  if ('value' in outcome) {
    if (said && !page.renewed) throw new Error(`${where} was said to be lost, and can be read`);
    checkWords(page, at, outcome.value);
  } else if (outcome.code !== 'DEVICE_LOST' || !said) throw new Error(`${where}: a read fails with ${outcome.code}`);
}

/** A file has what a word was at some time; of what was not lost, what it was last. */
function checkFile(world: World, { pages, file, start }: Lane): void {
  if (file < 0) return;
  const { pageSize } = world.config;
  const bytes = world.fileBytes(file);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (const [i, page] of pages.entries()) {
    const safe = !page.mayBeLost;
    for (const [word, allowed] of (safe ? page.words : page.ever).entries()) {
      const value = view.getUint32(i * pageSize + word * 8, true);
      if (!allowed.has(value))
        throw new Error(`word ${word} of 0x${(start + i * pageSize).toString(16)} is ${value} in its file`);
    }
  }
}
