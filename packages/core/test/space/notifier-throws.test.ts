import { type AddressSpace, createSpace, managedMemory, memorySwap, type NotifierEvent } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { createRig, expectBytes, expectCode, layout, openDevice, PAGE, pattern, TestSource } from './helpers.js';

const BASE = 0x4000_0000;
const NO = new Error('no');

/** Throws at every invalidation of a range that `when` selects, until it is taken out. */
function refuse(
  space: AddressSpace,
  page: number,
  pages: number,
  when: (event: NotifierEvent) => boolean = () => true,
) {
  return space.notifiers.insert({
    start: BASE + page * PAGE,
    end: BASE + (page + pages) * PAGE,
    invalidate(event) {
      if (when(event)) throw NO;
    },
  });
}

/** Nothing is left begun: a reader need not wait. */
async function expectQuiet(space: AddressSpace): Promise<void> {
  expect(space.notifiers.sequence % 2).toBe(0);
  using notifier = space.notifiers.insert({ start: BASE, end: BASE + PAGE, invalidate: () => undefined });
  await notifier.readBegin();
}

/** A source that can be made shorter. */
class Shrinking extends TestSource {
  constructor(bytes: Uint8Array) {
    super(bytes);
    let size = bytes.length;
    Object.defineProperty(this, 'size', { get: () => size, set: (to: number) => (size = to) });
  }

  truncate(size: number): void {
    (this as { size: number }).size = size;
    this.bytes.fill(0, size);
  }
}

describe('a notifier that throws', () => {
  for (const form of ['callback', 'unmap-flush'] as const) {
    it(`leaves rearranged pages as they were, whichever of the two ranges it watches: ${form}`, async () => {
      await using rig = await createRig();
      const { space, mirror } = rig;
      const region = space.map({ bytes: 4 * PAGE, address: BASE, fixed: true });
      await space.write(BASE, pattern(4 * PAGE));
      for (const page of [0, 2]) {
        using notifier = refuse(space, page, 1);
        await expect(region.remapPages({ offset: 0, bytes: PAGE, from: 2 * PAGE, form })).rejects.toBe(NO);
        notifier.remove();
        await expectQuiet(space);
        expectBytes(await mirror.read(BASE, 4 * PAGE), pattern(4 * PAGE));
      }
      await region.remapPages({ offset: 0, bytes: PAGE, from: 2 * PAGE, form });
      expectBytes(await space.read(BASE, PAGE), pattern(4 * PAGE).subarray(2 * PAGE, 3 * PAGE));
    });
  }

  it('leaves no copy behind when a shared page was to be written', async () => {
    const host = managedMemory();
    const space = await createSpace({ host });
    space.map({ bytes: PAGE, address: BASE, fixed: true });
    await space.write(BASE, pattern(PAGE));
    const child = await space.fork();
    const notifier = refuse(space, 0, 1);
    for (let i = 0; i < 3; i++) await expect(space.write(BASE, pattern(8, 2))).rejects.toBe(NO);
    expect(host.used).toBe(1);
    await expectQuiet(space);
    notifier.remove();
    expectBytes(await space.read(BASE, PAGE), pattern(PAGE));
    await space.write(BASE, pattern(8, 2));
    expectBytes(await child.read(BASE, PAGE), pattern(PAGE));
    await child.close();
    await space.close();
    expect(host.used).toBe(0);
  });

  it('does not keep a truncation from being finished everywhere, and is heard of', async () => {
    const host = managedMemory();
    await using rig = await createRig({ space: { host } });
    const { space, mirror } = rig;
    await using other = await createSpace({ host });
    const source = new Shrinking(pattern(4 * PAGE));
    space.map({ bytes: 4 * PAGE, address: BASE, fixed: true, source, share: 'shared' });
    other.map({ bytes: 4 * PAGE, address: BASE, fixed: true, source });
    // In front of the mirror's and behind it: whoever is told in which order, the mirror is told.
    using before = refuse(space, 0, 4);
    using after = refuse(space, 1, 3);
    await mirror.write(BASE, pattern(4 * PAGE, 3));
    await other.write(BASE + 2 * PAGE, pattern(PAGE, 4));
    await expect(space.truncate(source, PAGE + 100)).rejects.toBe(NO);
    for (const notifier of [before, after]) notifier.remove();
    await expectQuiet(space);
    expect(source.size).toBe(PAGE + 100);
    for (const who of [space, mirror, other]) await expectCode(who.read(BASE + 2 * PAGE, 4), 'IO');
    const expected = new Uint8Array(PAGE);
    expected.set(pattern(4 * PAGE, 3).subarray(PAGE, PAGE + 100));
    for (const who of [mirror, space]) expectBytes(await who.read(BASE + PAGE, PAGE), expected);
    await space.truncate(source, 0);
  });

  it('does not keep a space from being closed, and is heard of', async () => {
    for (const kinds of [['release'], ['unmap'], ['release', 'unmap']]) {
      const host = managedMemory();
      const device = await openDevice(8);
      const space = await createSpace({ host });
      refuse(space, 0, 4, ({ kind }) => kinds.includes(kind));
      const mirror = await space.attach(device, { prefetch: 'none' });
      const source = new TestSource(pattern(2 * PAGE));
      space.map({ bytes: 2 * PAGE, address: BASE, fixed: true, source, share: 'shared' });
      await mirror.write(BASE, pattern(2 * PAGE, 3));
      await expect(space.close()).rejects.toBe(NO);
      expectBytes(source.bytes, pattern(2 * PAGE, 3));
      expect(host.used).toBe(0);
      await device.close();
      expect(device.violations).toEqual([]);
    }
  });

  for (const what of ['target', 'old place'] as const) {
    it(`leaves a mapping that was to move and what it was to replace where they were: ${what}`, async () => {
      await using rig = await createRig();
      const { space, mirror } = rig;
      space.map({ bytes: 4 * PAGE, address: BASE, fixed: true, name: 'moving' });
      space.map({ bytes: 4 * PAGE, address: BASE + 8 * PAGE, fixed: true, name: 'target' });
      await mirror.write(BASE, pattern(4 * PAGE));
      await mirror.write(BASE + 8 * PAGE, pattern(4 * PAGE, 2));
      const notifier = what === 'target' ? refuse(space, 9, 1) : refuse(space, 1, 1);
      await expect(space.remap(BASE, 4 * PAGE, { bytes: 2 * PAGE, address: BASE + 9 * PAGE })).rejects.toBe(NO);
      notifier.remove();
      await expectQuiet(space);
      expect(layout(space, BASE)).toEqual([
        [0, 4, 'moving'],
        [8, 12, 'target'],
      ]);
      expectBytes(await mirror.read(BASE, 4 * PAGE), pattern(4 * PAGE));
      expectBytes(await mirror.read(BASE + 8 * PAGE, 4 * PAGE), pattern(4 * PAGE, 2));
    });
  }

  it('leaves rights, contents and mappings as they were', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    space.map({ bytes: 4 * PAGE, address: BASE, fixed: true, name: 'old' });
    // From the last to the first, so that they do not lie side by side on the host.
    for (const page of [3, 2, 1, 0])
      await mirror.write(BASE + page * PAGE, pattern(4 * PAGE).subarray(page * PAGE, (page + 1) * PAGE));
    const notifier = refuse(space, 3, 1);
    await expect(space.protect(BASE, 4 * PAGE, 'read')).rejects.toBe(NO);
    await expect(space.dontNeed(BASE, 4 * PAGE)).rejects.toBe(NO);
    await expect(space.unmap(BASE, 4 * PAGE)).rejects.toBe(NO);
    expect(() => space.map({ bytes: 4 * PAGE, address: BASE, fixed: true, name: 'new' })).toThrow(NO);
    expect(() => space.written(BASE, 4 * PAGE)).toThrow(NO);
    await expect(mirror.migrate(BASE, 4 * PAGE, 'host')).rejects.toBe(NO);
    await expect(mirror.exclusive(BASE, 4 * PAGE)).rejects.toBe(NO);
    await expect(space.relocate(BASE, 4 * PAGE)).rejects.toBe(NO);
    notifier.remove();
    await expectQuiet(space);
    expect(space.regions().every(({ name, access }) => name === 'old' && access === 'read-write')).toBe(true);
    expectBytes(await mirror.read(BASE, 4 * PAGE), pattern(4 * PAGE));
    await mirror.write(BASE, pattern(4 * PAGE, 2));
    expectBytes(await space.read(BASE, 4 * PAGE), pattern(4 * PAGE, 2));
  });

  for (const memory of ['anonymous', 'zeros', 'file', 'written file'] as const) {
    it(`keeps its own page in host memory and no other: ${memory}`, async () => {
      const host = managedMemory();
      await using space = await createSpace({ host, reclaim: { swap: memorySwap(64 * PAGE) } });
      const source = new TestSource(pattern(8 * PAGE));
      const isFile = memory === 'file' || memory === 'written file';
      space.map({ bytes: 8 * PAGE, address: BASE, fixed: true, ...(isFile && { source, share: 'shared' }) });
      if (memory === 'anonymous' || memory === 'written file') await space.write(BASE, pattern(8 * PAGE));
      else (await space.acquire(BASE, 8 * PAGE, 'read')).release();
      const notifier = refuse(space, 3, 1);
      await expect(space.pageOut(BASE, 8 * PAGE)).rejects.toBe(NO);
      expect(host.used).toBe(1);
      const { stats } = space.memory;
      expect([stats.swappedOut + stats.dropped, stats.stayed]).toEqual([7, 1]);
      await expectQuiet(space);
      notifier.remove();
      const expected = memory === 'zeros' ? new Uint8Array(8 * PAGE) : pattern(8 * PAGE);
      expectBytes(await space.read(BASE, 8 * PAGE), expected);
    });
  }
});
