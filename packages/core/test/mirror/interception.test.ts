import { type AddressSpace, memorySwap, type Mirror, MirrorError, type Region } from '@mirrorspace/core';
import { TYPICAL_LATENCY } from '@mirrorspace/memory';
import { describe, expect, test } from 'vitest';
import { createRig, expectBytes, PAGE, pattern, TestSource } from '../space/helpers.js';

/** A source that can be made shorter and longer. */
class Elastic extends TestSource {
  length: number;

  constructor(bytes: Uint8Array) {
    super(bytes);
    this.length = bytes.length;
    Object.defineProperty(this, 'size', { get: () => this.length });
  }

  truncate(size: number): Promise<void> {
    this.length = size;
    this.bytes.fill(0, size);
    return Promise.resolve();
  }
}

/** Four pages of which the second changes. */
interface Place {
  readonly space: AddressSpace;
  readonly mirror: Mirror;
  readonly region: Region;
  readonly source: Elastic;
  /** The page that changes. */
  readonly at: number;
}

/** What the page holds: at first, after the device wrote, after the CPU wrote. */
const OLD = pattern(PAGE, 1);
const BY_DEVICE = pattern(PAGE, 2);
const BY_CPU = pattern(PAGE, 3);
const OTHER = pattern(PAGE, 4);
const ZEROS = new Uint8Array(PAGE);
const ELSEWHERE = 0x5000_0000;

const STATES = ['not mapped', 'read-only', 'writable', 'dirty', 'in flight', 'faulting'] as const;
type State = (typeof STATES)[number];

/** Brings the page into a state on the device; what is still under way is told by the promise: whether the device's write took effect. */
async function enter({ mirror, at }: Place, state: State): Promise<() => Promise<boolean>> {
  const never = () => Promise.resolve(false);
  if (state === 'not mapped') return never;
  if (state === 'read-only') {
    await mirror.read(at, 4);
    return never;
  }
  if (state === 'writable') {
    await mirror.prefetch(at, PAGE, { access: 'write' });
    return never;
  }
  if (state === 'dirty') {
    await mirror.write(at, BY_DEVICE);
    return () => Promise.resolve(true);
  }
  if (state === 'in flight') {
    const copying = mirror.prefetch(at, PAGE, { access: 'write' }).catch(() => 0);
    await new Promise((resolve) => setTimeout(resolve));
    return async () => {
      await copying;
      return false;
    };
  }
  const writing = mirror.write(at, BY_DEVICE).then(
    () => true,
    (error: unknown) => {
      if (error instanceof MirrorError && ['ADDRESS_NOT_MAPPED', 'ACCESS_DENIED', 'IO'].includes(error.code))
        return false;
      throw error;
    },
  );
  await Promise.resolve();
  return () => writing;
}

/** What CPU and device find at an address: bytes that both agree on, or the code of the error that both get. */
async function look({ space, mirror }: Pick<Place, 'space' | 'mirror'>, address: number): Promise<Uint8Array | string> {
  const [cpu, device] = await Promise.all(
    [space, mirror].map((who) =>
      who.read(address, PAGE).catch((error: unknown) => {
        if (error instanceof MirrorError) return error.code;
        throw error;
      }),
    ),
  );
  if (typeof cpu === 'string' || typeof device === 'string') expect(device).toBe(cpu);
  else expectBytes(device!, cpu!);
  return cpu!;
}

function is(found: Uint8Array | string, ...allowed: (Uint8Array | string)[]): Uint8Array | string {
  const match = allowed.find((one) =>
    typeof one === 'string' || typeof found === 'string' ? one === found : Buffer.compare(one, found) === 0,
  );
  const shown = typeof found === 'string' ? found : `bytes ${found.subarray(0, 4).join()}…`;
  expect(match === undefined ? `unexpected ${shown}` : 'as expected').toBe('as expected');
  return match!;
}

/** A change of CPU page-table entries, and what must be true after it; `wrote`: the device's write took effect. */
interface Change {
  readonly name: string;
  readonly file?: boolean;
  readonly mergeable?: boolean;
  run(place: Place): Promise<unknown>;
  /** `racing`: the device's write went on beside the change. */
  check(place: Place, wrote: boolean, racing: boolean): Promise<void>;
}

const kept = (wrote: boolean) => (wrote ? BY_DEVICE : OLD);

/** For changes that leave contents as they are. */
async function unchanged(place: Place, wrote: boolean): Promise<void> {
  is(await look(place, place.at), kept(wrote));
  // And nothing stale comes up when either side goes on.
  await place.mirror.write(place.at, OTHER);
  is(await look(place, place.at), OTHER);
  await place.space.write(place.at, BY_CPU);
  is(await look(place, place.at), BY_CPU);
}

async function refuses(work: Promise<unknown>, code: string): Promise<void> {
  const error = await work.then(
    () => 'no error',
    (failure: unknown) => (failure instanceof MirrorError ? failure.code : failure),
  );
  expect(error).toBe(code);
}

const CHANGES: readonly Change[] = [
  {
    name: 'unmap',
    run: ({ space, at }) => space.unmap(at, PAGE),
    async check(place) {
      is(await look(place, place.at), 'ADDRESS_NOT_MAPPED');
      place.space.map({ bytes: PAGE, address: place.at, fixed: true });
      is(await look(place, place.at), ZEROS);
    },
  },
  {
    name: 'protect, read',
    run: ({ space, at }) => space.protect(at, PAGE, 'read'),
    async check(place, wrote) {
      is(await look(place, place.at), kept(wrote));
      await refuses(place.mirror.write(place.at, OTHER), 'ACCESS_DENIED');
      await refuses(place.space.write(place.at, OTHER), 'ACCESS_DENIED');
      await place.space.protect(place.at, PAGE, 'read-write');
      await unchanged(place, wrote);
    },
  },
  {
    name: 'protect, none',
    run: ({ space, at }) => space.protect(at, PAGE, 'none'),
    async check(place, wrote) {
      is(await look(place, place.at), 'ACCESS_DENIED');
      await place.space.protect(place.at, PAGE, 'read-write');
      await unchanged(place, wrote);
    },
  },
  {
    name: 'remap',
    run: ({ space, at }) => space.remap(at, PAGE, { address: ELSEWHERE }),
    async check(place, wrote) {
      is(await look(place, place.at), 'ADDRESS_NOT_MAPPED');
      await unchanged({ ...place, at: ELSEWHERE }, wrote);
    },
  },
  ...(['callback', 'unmap-flush'] as const).flatMap((form): Change[] => [
    {
      name: `remap of file pages, ${form}`,
      file: true,
      run: ({ region }) => region.remapPages({ offset: PAGE, bytes: PAGE, from: 3 * PAGE, form }),
      async check(place, wrote, racing) {
        const { space, source, at } = place;
        const here = is(await look(place, at), OTHER, ...(racing && wrote ? [BY_DEVICE] : []));
        // A write that came after the change is in the other page of the file.
        const expected = kept(wrote && here === OTHER);
        const again = space.map({ bytes: PAGE, source, offset: PAGE, share: 'shared' });
        is(await look(place, again.address), expected);
        await space.sync(again.address, PAGE);
        expectBytes(source.bytes.subarray(PAGE, 2 * PAGE), expected);
      },
    },
    {
      name: `remap of anonymous pages, ${form}`,
      run: ({ region }) => region.remapPages({ offset: PAGE, bytes: PAGE, from: 3 * PAGE, form }),
      async check(place, wrote, racing) {
        const here = is(await look(place, place.at), OTHER, ...(racing && wrote ? [BY_DEVICE] : []));
        is(await look(place, place.at + 2 * PAGE), kept(wrote && here === OTHER));
      },
    },
  ]),
  { name: 'reclaim', run: ({ space }) => space.reclaim(64 * PAGE), check: unchanged },
  { name: 'reclaim of a range', run: ({ space, at }) => space.pageOut(at, PAGE), check: unchanged },
  { name: 'reclaim of a file', file: true, run: ({ space }) => space.reclaim(64 * PAGE), check: unchanged },
  {
    name: 'same-page merging',
    mergeable: true,
    run: ({ space }) => space.merge(),
    async check(place, wrote) {
      is(await look(place, place.at + PAGE), OLD);
      await unchanged(place, wrote);
      is(await look(place, place.at + PAGE), OLD);
    },
  },
  ...(['forbid', 'migrate', 'unmap'] as const).map((devicePages): Change => ({
    name: `host migration, ${devicePages}`,
    run: ({ space, region }) => space.relocate(region.address, 4 * PAGE, { devicePages }),
    check: unchanged,
  })),
  {
    name: 'copy on write after fork, by the CPU',
    async run({ space, at }) {
      const child = await space.fork();
      await space.write(at, BY_CPU);
      is(await child.read(at, PAGE), OLD, BY_DEVICE);
      await child.close();
    },
    async check(place, wrote, racing) {
      is(await look(place, place.at), BY_CPU, ...(wrote && racing ? [BY_DEVICE] : []));
    },
  },
  {
    name: 'copy on write after fork, by the device',
    async run({ space, mirror, at }) {
      const child = await space.fork();
      const before = await child.read(at, PAGE);
      is(before, OLD, BY_DEVICE);
      await mirror.write(at, OTHER);
      expectBytes(await child.read(at, PAGE), before);
      await child.close();
    },
    async check(place, wrote, racing) {
      is(await look(place, place.at), OTHER, ...(wrote && racing ? [BY_DEVICE] : []));
    },
  },
  {
    name: 'truncation of a mapped file',
    file: true,
    run: ({ space, source }) => space.truncate(source, PAGE),
    async check(place) {
      is(await look(place, place.at), 'IO');
      place.source.length = 4 * PAGE;
      is(await look(place, place.at), ZEROS);
    },
  },
  {
    name: 'clearing',
    run: ({ space, at }) => space.dontNeed(at, PAGE),
    async check(place, wrote, racing) {
      is(await look(place, place.at), ZEROS, ...(wrote && racing ? [BY_DEVICE] : []));
    },
  },
  {
    name: 'clearing of accessed and dirty bits',
    async run({ space, mirror, at }) {
      space.written(at, PAGE);
      await mirror.harvest(at, PAGE);
    },
    async check(place, wrote) {
      const { mirror, at } = place;
      is(await look(place, at), kept(wrote));
      await mirror.write(at, BY_DEVICE);
      expect(await mirror.harvest(at, PAGE)).toMatchObject({ accessed: 1, dirty: 1 });
      await unchanged(place, true);
    },
  },
];

describe.each(CHANGES)('every device learns of a change of the CPU page table: $name', (change) => {
  test.each(STATES)('page %s', async (state) => {
    await using rig = await createRig({
      device: { latency: TYPICAL_LATENCY, poison: true },
      space: { reclaim: { swap: memorySwap(64 * PAGE) } },
    });
    const { space, mirror } = rig;
    const source = new Elastic(new Uint8Array(4 * PAGE));
    const file = change.file === true;
    const region = space.map({ bytes: 4 * PAGE, ...(file && { source, share: 'shared' }) });
    const place: Place = { space, mirror, region, source, at: region.address + PAGE };
    await space.write(place.at, OLD);
    await space.write(place.at + PAGE, change.mergeable === true ? OLD : ZEROS);
    await space.write(place.at + 2 * PAGE, OTHER);
    if (change.mergeable === true) await space.advise(region.address, 4 * PAGE, { mergeable: true });
    const settled = await enter(place, state);
    await change.run(place);
    const wrote = await settled();
    await change.check(place, wrote, state === 'faulting');
  });
});
