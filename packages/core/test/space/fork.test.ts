import { createSpace, managedMemory, RESIDENT_HOST, RESIDENT_WRITABLE } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { createRig, openDevice, PAGE, pattern, TestSource } from './helpers.js';

describe('fork', () => {
  it('copies on write both ways, page by page', async () => {
    const host = managedMemory();
    await using space = await createSpace({ host });
    const { address } = space.map({ bytes: 4 * PAGE });
    await space.write(address, pattern(4 * PAGE));
    await using child = await space.fork();
    expect(host.used).toBe(4);
    await space.write(address, pattern(PAGE, 2));
    await child.write(address + PAGE, pattern(PAGE, 3));
    expect(host.used).toBe(6);
    const old = pattern(4 * PAGE);
    expect(await space.read(address, 4 * PAGE)).toEqual(Uint8Array.of(...pattern(PAGE, 2), ...old.subarray(PAGE)));
    expect(await child.read(address, 4 * PAGE)).toEqual(
      Uint8Array.of(...old.subarray(0, PAGE), ...pattern(PAGE, 3), ...old.subarray(2 * PAGE)),
    );
  });

  it('shares shared regions, anonymous ones and files', async () => {
    await using space = await createSpace();
    const source = new TestSource(pattern(PAGE));
    const anonymous = space.map({ bytes: PAGE, share: 'shared' });
    const file = space.map({ bytes: PAGE, share: 'shared', source });
    await using child = await space.fork();
    for (const { address } of [anonymous, file]) {
      await child.write(address, pattern(8, 4));
      expect(await space.read(address, 8)).toEqual(pattern(8, 4));
      await space.write(address, pattern(8, 5));
      expect(await child.read(address, 8)).toEqual(pattern(8, 5));
    }
  });

  it('copies what a device wrote before, also while the device goes on writing', async () => {
    await using rig = await createRig({ device: { latency: { command: 10 } } });
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 4 * PAGE });
    await mirror.write(address, pattern(4 * PAGE));
    const forking = space.fork();
    const later = mirror.fill(address, 4 * PAGE, 99);
    await using child = await forking;
    await later;
    const seen = await child.read(address, 4 * PAGE);
    for (let page = 0; page < 4; page++) {
      // A page of the copy is of before or of after the fill, never torn.
      const [first] = seen.subarray(page * PAGE);
      const want =
        first === 99 ? new Uint8Array(PAGE).fill(99) : pattern(4 * PAGE).subarray(page * PAGE, (page + 1) * PAGE);
      expect(seen.subarray(page * PAGE, (page + 1) * PAGE)).toEqual(want);
    }
    await child.write(address, pattern(PAGE, 3));
    expect(await mirror.read(address, 4 * PAGE)).toEqual(new Uint8Array(4 * PAGE).fill(99));
    expect(await space.read(address, 4 * PAGE)).toEqual(new Uint8Array(4 * PAGE).fill(99));
  });

  it('takes the device its write access: its next write makes a copy', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: PAGE });
    await mirror.write(address, pattern(PAGE));
    expect(mirror.residency(address, PAGE)[0]! & RESIDENT_WRITABLE).not.toBe(0);
    await using child = await space.fork();
    expect(mirror.residency(address, PAGE)[0]! & (RESIDENT_HOST | RESIDENT_WRITABLE)).toBe(RESIDENT_HOST);
    await mirror.write(address, pattern(PAGE, 2));
    expect(await child.read(address, PAGE)).toEqual(pattern(PAGE));
    expect(await space.read(address, PAGE)).toEqual(pattern(PAGE, 2));
  });

  it.each(['before', 'after'])('shows the child what a device wrote, read %s the device writes again', async (when) => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 2 * PAGE });
    await space.write(address, pattern(2 * PAGE, 1));
    await mirror.write(address, pattern(2 * PAGE, 2));
    await using child = await space.fork();
    if (when === 'before') expect(await child.read(address, 2 * PAGE)).toEqual(pattern(2 * PAGE, 2));
    await mirror.write(address, pattern(2 * PAGE, 3));
    expect(await child.read(address, 2 * PAGE)).toEqual(pattern(2 * PAGE, 2));
    expect(await space.read(address, 2 * PAGE)).toEqual(pattern(2 * PAGE, 3));
  });

  it('gives the child zeros for an untouched page that the CPU is about to hold for writing', async () => {
    const host = managedMemory();
    await using rig = await createRig({ space: { host }, device: { latency: { command: 10 } } });
    const { space, mirror } = rig;
    // Frames that are used again hold old bytes.
    const keep = space.map({ bytes: PAGE });
    await space.write(keep.address, pattern(PAGE));
    const old = space.map({ bytes: 2 * PAGE });
    for (const page of [0, 1]) await space.write(old.address + page * PAGE, pattern(PAGE));
    await old.unmap();
    const { address } = space.map({ bytes: 2 * PAGE });
    await mirror.read(address, 2 * PAGE);
    const { recalls } = mirror.stats;
    const acquiring = space.acquire(address, 2 * PAGE, 'write');
    while (mirror.stats.recalls === recalls) await Promise.resolve();
    await using child = await space.fork();
    (await acquiring).release();
    expect(await child.read(address, 2 * PAGE)).toEqual(new Uint8Array(2 * PAGE));
  });

  it('gives the child its own copy of a page that the CPU holds for writing', async () => {
    await using space = await createSpace();
    const region = space.map({ bytes: 2 * PAGE });
    await space.write(region.address, pattern(2 * PAGE));
    const held = await region.acquire('write');
    held.bytes[0] = 100;
    await using child = await space.fork();
    held.bytes[1] = 101;
    held.bytes[PAGE] = 102;
    held.release();
    const atFork = pattern(2 * PAGE);
    atFork[0] = 100;
    expect(await child.read(region.address, 2 * PAGE)).toEqual(atFork);
    atFork[1] = 101;
    atFork[PAGE] = 102;
    expect(await space.read(region.address, 2 * PAGE)).toEqual(atFork);
  });

  it('leaves a range held for reading as it was while both sides write', async () => {
    await using space = await createSpace();
    const region = space.map({ bytes: PAGE });
    await space.write(region.address, pattern(PAGE));
    const held = await region.acquire('read');
    await using child = await space.fork();
    await child.write(region.address, pattern(PAGE, 2));
    expect(held.bytes).toEqual(pattern(PAGE));
    held.release();
    await space.write(region.address, pattern(PAGE, 3));
    expect(await child.read(region.address, PAGE)).toEqual(pattern(PAGE, 2));
  });

  it('of a fork of a fork keeps all three apart, on devices of their own', async () => {
    const host = managedMemory();
    await using rig = await createRig({ space: { host }, frames: 8 });
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 2 * PAGE });
    await mirror.write(address, pattern(2 * PAGE));
    const child = await space.fork();
    const grandchild = await child.fork();
    const other = await openDevice(8);
    const childMirror = await child.attach(rig.device, { prefetch: 'none' });
    const grandMirror = await grandchild.attach(other, { prefetch: 'none' });
    expect(host.used).toBe(2);
    await grandMirror.write(address, pattern(PAGE, 3));
    await childMirror.write(address, pattern(PAGE, 2));
    const tail = pattern(2 * PAGE).subarray(PAGE);
    expect(await mirror.read(address, 2 * PAGE)).toEqual(pattern(2 * PAGE));
    expect(await childMirror.read(address, 2 * PAGE)).toEqual(Uint8Array.of(...pattern(PAGE, 2), ...tail));
    expect(await grandMirror.read(address, 2 * PAGE)).toEqual(Uint8Array.of(...pattern(PAGE, 3), ...tail));
    expect(host.used).toBe(4);
    await child.close();
    expect(host.used).toBe(3);
    expect(await grandchild.read(address, 2 * PAGE)).toEqual(Uint8Array.of(...pattern(PAGE, 3), ...tail));
    await grandchild.close();
    expect(host.used).toBe(2);
    await other.close();
    expect(other.violations).toEqual([]);
  });

  it('of untouched pages gives each side zeros of its own', async () => {
    await using space = await createSpace();
    const { address } = space.map({ bytes: PAGE });
    await using child = await space.fork();
    await space.write(address, pattern(4));
    expect(await child.read(address, 4)).toEqual(new Uint8Array(4));
  });

  it('keeps a private file view apart from the file and from the other side', async () => {
    await using space = await createSpace();
    const source = new TestSource(pattern(2 * PAGE));
    const { address } = space.map({ bytes: 2 * PAGE, source });
    await space.write(address, Uint8Array.of(1, 2, 3));
    await using child = await space.fork();
    await child.write(address + PAGE, Uint8Array.of(9));
    expect(await space.read(address + PAGE, 1)).toEqual(pattern(2 * PAGE).subarray(PAGE, PAGE + 1));
    expect(await child.read(address, 3)).toEqual(Uint8Array.of(1, 2, 3));
    await child.close();
    await space.close();
    expect([source.writes, source.bytes]).toEqual([[], pattern(2 * PAGE)]);
  });
});
