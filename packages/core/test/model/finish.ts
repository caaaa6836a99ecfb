import { checkRegions } from './map-operations.js';
import { agreeOnBytes } from './scene.js';
import type { Member, World } from './world.js';

/** Nothing broke the contract of devices so far. */
export function checkContract(world: World): void {
  if (world.violation !== undefined) throw world.violation;
}

/** All that can be read must be what the model says: by the CPU and by every device. */
export async function checkContents(world: World, member: Member): Promise<void> {
  const { space, plain, mirrors } = member;
  checkRegions(member);
  for (const region of plain.regions) {
    if (region.access !== 'none') continue;
    await space.protect(region.start, region.end - region.start, 'read');
    region.access = 'read';
  }
  await world.grow(member);
  for (const [i, region] of plain.regions.entries()) {
    const { start } = region;
    const end = plain.endOf(region);
    if (start >= end) continue;
    const expected = plain.read(start, end - start);
    // A device's read can mend what a recall by the CPU would lose: every other region is read by the CPU first.
    if (i % 2 === 1) agreeOnBytes('at the end, by the CPU', start, await space.read(start, end - start), expected);
    for (const mirror of mirrors) {
      if (mirror !== undefined)
        agreeOnBytes('at the end, on a device', start, await mirror.read(start, end - start), expected);
    }
    agreeOnBytes('at the end', start, await space.read(start, end - start), expected);
  }
  checkContract(world);
}

/** Ends a world whose contents were checked: files get what was written, and nothing is left behind. */
export async function finish(world: World): Promise<void> {
  const [first, ...others] = world.members.splice(0);
  for (const { space } of others) await space.close();
  await checkFrames(world, first!);
  await first!.space.close();
  world.settleFiles();
  if (world.host.used !== 0) throw new Error(`${world.host.used} pages are left after all spaces were closed`);
  checkContract(world);
  for (const device of world.devices) await device.close();
  checkContract(world);
}

/** A run that takes this long will not end. */
const RUN_LIMIT_MS = 15_000;

/** Runs to the end, or fails: nothing may hang. */
export async function inTime(world: World, run: () => Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`the run did not end in ${RUN_LIMIT_MS} ms`)), RUN_LIMIT_MS);
  });
  try {
    await Promise.race([run(), world.broken, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Ends a world after a failure, whatever state it is in. */
export async function abandon(world: World): Promise<void> {
  await Promise.allSettled(world.devices.map((device) => device.close()));
}

/** With everything unmapped, a device must have room for as many pages as it has frames. */
async function checkFrames(world: World, { space, mirrors }: Member): Promise<void> {
  for (const { start, bytes } of space.regions()) await space.unmap(start, bytes);
  for (const [device, mirror] of mirrors.entries()) {
    if (mirror === undefined) continue;
    const bytes = world.config.frames[device]! * world.config.pageSize;
    const region = space.map({ bytes });
    const before = mirror.stats.evictions;
    await mirror.fill(region.start, bytes, 1);
    const evicted = mirror.stats.evictions - before;
    if (evicted > 0)
      throw new Error(`device ${device} had to evict ${evicted} pages though nothing was mapped: frames leaked`);
    await region.unmap();
  }
  if (world.host.used !== 0) throw new Error(`${world.host.used} pages are left though nothing is mapped`);
}
