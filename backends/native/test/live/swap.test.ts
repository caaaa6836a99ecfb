import { type AddressSpace, createSpace, type Mirror, type Region } from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';
import { describe, expect, it } from 'vitest';
import { nativeMemory, type NativeMemory } from '../../src/index.js';
import { addTo, load, PAGE, WORDS } from './rig.js';
import { Toucher } from './toucher.js';

const HALF = 8;
const pages = Array.from({ length: HALF }, (_none, page) => page);

interface Rig extends AsyncDisposable {
  readonly host: NativeMemory;
  readonly space: AddressSpace;
  readonly one: Mirror;
  readonly other: Mirror;
}

async function openRig(): Promise<Rig> {
  const host = nativeMemory();
  const space = await createSpace({ host });
  const devices = await Promise.all([1, 2].map(() => memory.open({ memory: 64 * PAGE })));
  const [one, other] = await Promise.all(devices.map((device) => space.attach(device, { prefetch: 'none' })));
  return {
    host,
    space,
    one: one!,
    other: other!,
    async [Symbol.asyncDispose]() {
      await space.close();
      await Promise.all(devices.map((device) => device.close()));
    },
  };
}

/** The first words of pages, as a device sees them at the addresses of a region. */
async function seenBy(mirror: Mirror, region: Region): Promise<number[]> {
  const found: number[] = [];
  for (const page of pages) {
    const bytes = await mirror.read(region.address + page * PAGE, 4);
    found.push(new Uint32Array(bytes.buffer)[0]!);
  }
  return found;
}

describe.each(['callback', 'unmap-flush'] as const)('live pages of two devices change places (%s)', (form) => {
  it('and every access, plain or by a device, finds what moved there', async () => {
    await using rig = await openRig();
    const { space, one, other } = rig;
    const region = space.map({ bytes: 2 * HALF * PAGE });
    const whole = region.buffer({ shared: true }) as SharedArrayBuffer;
    await using thread = await Toucher.start(whole);
    const words = new Uint32Array(whole);
    for (const page of [...pages, ...pages.map((page) => page + HALF)]) words[page * WORDS] = page;
    // Each device owns one half, with something that is nowhere else.
    await addTo(one, region, 0, HALF, 100);
    await addTo(other, region, HALF, HALF, 200);

    await region.remapPages({ offset: 0, bytes: HALF * PAGE, from: HALF * PAGE, form });
    const rest = space.regionAt(region.address + HALF * PAGE)!;
    await rest.remapPages({ offset: 0, bytes: HALF * PAGE, from: 0, form });

    const upper = pages.map((page) => page + HALF + 200);
    const lower = pages.map((page) => page + 100);
    // Each device at first the half that it owned, elsewhere now; then the other's.
    expect([await seenBy(other, region), await seenBy(one, rest)]).toEqual([upper, lower]);
    expect([await seenBy(one, region), await seenBy(other, rest)]).toEqual([upper, lower]);

    await addTo(one, region, 0, HALF, 1000);
    await addTo(other, rest, 0, HALF, 2000);
    // The memory itself is where it was: arrays that were made before show it there.
    const at = pages.map((page) => page * WORDS);
    expect(await thread.load(at)).toEqual(lower.map((value) => value + 2000));
    expect(await thread.load(at.map((word) => word + HALF * WORDS))).toEqual(upper.map((value) => value + 1000));
    // Those that are made now show it where it is seen.
    expect(await load(region, region.array(Uint32Array), 3 * WORDS)).toBe(upper[3]! + 1000);
    expect(await load(rest, rest.array(Uint32Array), 3 * WORDS)).toBe(lower[3]! + 2000);
    await thread.store([3 * WORDS], 5);
    expect((await seenBy(one, rest))[3]).toBe(5);
  });
});

it('two live regions change places in the space: devices follow, plain accesses stay with their memory', async () => {
  await using rig = await openRig();
  const { space, one, other, host } = rig;
  const a = space.map({ bytes: HALF * PAGE, name: 'a' });
  const b = space.map({ bytes: HALF * PAGE, name: 'b' });
  const [arrayA, arrayB] = [a.array(Uint32Array), b.array(Uint32Array)];
  await using thread = await Toucher.start(a.buffer({ shared: true }) as SharedArrayBuffer);
  for (const page of pages) [arrayA[page * WORDS], arrayB[page * WORDS]] = [page + 1, page + 51];
  await addTo(one, a, 0, HALF, 100);
  await addTo(other, b, 0, HALF, 200);
  const [placeA, placeB] = [a.address, b.address];

  const between = space.map({ bytes: HALF * PAGE, share: 'private' });
  const spare = between.address;
  await between.unmap();
  await space.remap(placeA, HALF * PAGE, { address: spare });
  await space.remap(placeB, HALF * PAGE, { address: placeA });
  await space.remap(spare, HALF * PAGE, { address: placeB });

  expect([a.address, b.address]).toEqual([placeB, placeA]);
  // Each device by the other's region.
  expect(await seenBy(one, b)).toEqual(pages.map((page) => page + 251));
  expect(await seenBy(other, a)).toEqual(pages.map((page) => page + 101));
  await addTo(one, b, 0, HALF, 1);
  await addTo(other, a, 0, HALF, 2);
  expect(await thread.load(pages.map((page) => page * WORDS))).toEqual(pages.map((page) => page + 103));
  expect(await load(b, arrayB, WORDS)).toBe(253);
  arrayB[WORDS] = 7;
  expect((await seenBy(other, b))[1]).toBe(7);
  await Promise.all([a.unmap(), b.unmap()]);
  expect(host.used).toBe(0);
});

it('pages that two devices have each the other half of go back and forth between them', async () => {
  await using rig = await openRig();
  const { space, one, other } = rig;
  const region = space.map({ bytes: 2 * HALF * PAGE });
  const words = region.array(Uint32Array);
  for (let round = 0; round < 4; round++) {
    const [first, second] = round % 2 === 0 ? [one, other] : [other, one];
    // At once: each page changes its owner while the other half does.
    await Promise.all([
      first.migrate(region.address, HALF * PAGE, 'device'),
      second.migrate(region.address + HALF * PAGE, HALF * PAGE, 'device'),
    ]);
    await Promise.all([addTo(first, region, 0, HALF, 1), addTo(second, region, HALF, HALF, 10)]);
  }
  for (const page of pages) {
    expect(await load(region, words, page * WORDS)).toBe(4);
    expect(await load(region, words, (page + HALF) * WORDS)).toBe(40);
  }
});
