import { createSpace, RESIDENT_DEVICE, RESIDENT_HOST, RESIDENT_WRITABLE } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { createRig, expectCode, layout, PAGE, pattern, TestSource } from './helpers.js';

const BASE = 0x4000_0000;

describe('protect', () => {
  it('makes CPU and device obey, and keeps contents', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: PAGE });
    await mirror.write(address, pattern(PAGE));
    await space.protect(address, PAGE, 'read');
    await expectCode(mirror.write(address, pattern(4)), 'ACCESS_DENIED');
    await expectCode(space.write(address, pattern(4)), 'ACCESS_DENIED');
    expect(await mirror.read(address, PAGE)).toEqual(pattern(PAGE));
    await space.protect(address, PAGE, 'none');
    await expectCode(mirror.read(address, 4), 'ACCESS_DENIED');
    await expectCode(space.read(address, 4), 'ACCESS_DENIED');
    await space.protect(address, PAGE, 'read-write');
    await mirror.write(address, pattern(8, 5));
    expect(await space.read(address, PAGE)).toEqual(Uint8Array.of(...pattern(8, 5), ...pattern(PAGE).subarray(8)));
  });

  it('splits regions at the ends of the range', async () => {
    await using space = await createSpace();
    space.map({ bytes: 4 * PAGE, address: BASE, fixed: true, name: 'r' });
    await space.write(BASE, pattern(4 * PAGE));
    await space.protect(BASE + PAGE, 2 * PAGE, 'read');
    expect(layout(space, BASE)).toEqual([
      [0, 1, 'r'],
      [1, 3, 'r'],
      [3, 4, 'r'],
    ]);
    expect(space.regions().map((region) => region.access)).toEqual(['read-write', 'read', 'read-write']);
    expect(await space.read(BASE, 4 * PAGE)).toEqual(pattern(4 * PAGE));
    await expectCode(space.write(BASE, pattern(4 * PAGE, 2)), 'ACCESS_DENIED');
    expect(await space.read(BASE, 4 * PAGE)).toEqual(pattern(4 * PAGE));
  });

  it('takes the device its entries where rights shrink, and lets it keep them where they grow', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: PAGE, access: 'read' });
    await mirror.read(address, 4);
    const before = mirror.stats.faults;
    await space.protect(address, PAGE, 'read-write');
    await mirror.read(address, 4);
    expect(mirror.stats.faults).toBe(before);
    await mirror.write(address, pattern(4));
    expect(mirror.residency(address, PAGE)[0]).toBe(RESIDENT_DEVICE | RESIDENT_WRITABLE);
    const invalidated = mirror.stats.invalidated;
    await space.protect(address, PAGE, 'read');
    expect(mirror.stats.invalidated).toBe(invalidated + 1);
    expect(await space.read(address, 4)).toEqual(pattern(4));
    expect(mirror.residency(address, PAGE)[0]! & RESIDENT_HOST).toBe(RESIDENT_HOST);
  });

  it('changes nothing when a part is not mapped', async () => {
    await using space = await createSpace();
    space.map({ bytes: 2 * PAGE, address: BASE, fixed: true, name: 'r' });
    const error = await expectCode(space.protect(BASE + PAGE, 2 * PAGE, 'read'), 'ADDRESS_NOT_MAPPED');
    expect(error.address).toBe(BASE + 2 * PAGE);
    expect(layout(space, BASE)).toEqual([[0, 2, 'r']]);
    await space.write(BASE + PAGE, pattern(4));
  });

  it('refuses to make a shared region writable whose source cannot be written', async () => {
    await using space = await createSpace();
    const source = { size: PAGE, read: () => undefined };
    await expectCode(() => space.map({ bytes: PAGE, source, share: 'shared' }), 'INVALID_ARGUMENT');
    const region = space.map({ bytes: PAGE, source, share: 'shared', access: 'read' });
    await expectCode(space.protect(region.address, PAGE, 'read-write'), 'INVALID_ARGUMENT');
    expect(region.access).toBe('read');
    const own = space.map({ bytes: PAGE, source });
    await space.write(own.address, pattern(4));
  });

  it('waits for the device: no access that begins afterwards writes', async () => {
    await using rig = await createRig({ device: { latency: { command: 30 } } });
    const { space, mirror } = rig;
    const source = new TestSource(pattern(PAGE));
    const { address } = space.map({ bytes: PAGE, source });
    await mirror.write(address, pattern(4, 7));
    const shrunk = space.protect(address, PAGE, 'read');
    await expectCode(space.write(address, pattern(4)), 'ACCESS_DENIED');
    await shrunk;
    await expectCode(mirror.write(address, pattern(4, 8)), 'ACCESS_DENIED');
    expect(await space.read(address, 4)).toEqual(pattern(4, 7));
  });
});
