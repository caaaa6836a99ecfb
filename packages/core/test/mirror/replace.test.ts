import { createSpace, MirrorError } from '@mirrorspace/core';
import { memory, type MemoryOptions, TYPICAL_LATENCY } from '@mirrorspace/memory';
import { describe, expect, it } from 'vitest';
import { expectCode, openDevice, PAGE, pattern, TestSource } from '../space/helpers.js';
import { countUp } from './helpers.js';

const BASE = 0x4000_0000;

async function world(options: MemoryOptions = {}) {
  const bare = await memory.open({ memory: 8 * PAGE, pageSizes: [PAGE], ...options });
  const space = await createSpace({ timeoutMs: 2000 });
  const mirror = await space.attach(bare, { prefetch: 'none', eviction: 'fifo', timeoutMs: 3000 });
  return { space, mirror, device: bare, lose: () => memory.conformance.lose(bare) };
}

describe('a mirror on a lost device, replaced', () => {
  it('goes on from the host’s copies, and says what is lost and what became of it', async () => {
    const { space, mirror, lose } = await world();
    space.map({ bytes: 8 * PAGE, address: BASE, fixed: true });
    await space.write(BASE, pattern(8 * PAGE));
    await mirror.read(BASE, 2 * PAGE);
    await mirror.write(BASE + 2 * PAGE, pattern(4 * PAGE, 2));
    lose();
    await mirror.lost;
    await space.write(BASE + 3 * PAGE, pattern(PAGE, 3));
    await space.unmap(BASE + 5 * PAGE, PAGE);
    const device = await openDevice(8);
    const { mirror: next, lost } = await space.replace(mirror, device);
    expect(lost).toEqual([
      { start: BASE + 2 * PAGE, end: BASE + 3 * PAGE, state: 'lost' },
      { start: BASE + 3 * PAGE, end: BASE + 4 * PAGE, state: 'renewed' },
      { start: BASE + 4 * PAGE, end: BASE + 5 * PAGE, state: 'lost' },
      { start: BASE + 5 * PAGE, end: BASE + 6 * PAGE, state: 'unmapped' },
    ]);
    expect(await next.read(BASE, 2 * PAGE)).toEqual(pattern(8 * PAGE).subarray(0, 2 * PAGE));
    expect(await next.read(BASE + 3 * PAGE, PAGE)).toEqual(pattern(PAGE, 3));
    await expectCode(next.read(BASE + 2 * PAGE, 4), 'DEVICE_LOST');
    await expectCode(space.read(BASE + 4 * PAGE, 4), 'DEVICE_LOST');
    await space.write(BASE + 2 * PAGE, pattern(PAGE, 4));
    await next.launch(countUp, { args: [BASE + 2 * PAGE, PAGE, 1], grid: [4] }).wait();
    const word = new DataView(pattern(PAGE, 4).buffer).getUint32(0, true);
    expect(new DataView((await space.read(BASE + 2 * PAGE, 4)).slice().buffer).getUint32(0, true)).toBe(word + 4);
    expect(next.options).toMatchObject({ prefetch: 'none', eviction: 'fifo', timeoutMs: 3000 });
    await expectCode(mirror.read(BASE, 4), 'CLOSED');
    await space.close();
    await device.close();
    expect(device.violations).toEqual([]);
  });

  it('discards what is lost where that is asked for: zeros, or what files have', async () => {
    const { space, mirror, lose } = await world();
    const shared = new TestSource(pattern(2 * PAGE, 5));
    const copied = new TestSource(pattern(PAGE, 6));
    space.map({ bytes: 2 * PAGE, address: BASE, fixed: true });
    space.map({ bytes: 2 * PAGE, address: BASE + 4 * PAGE, fixed: true, source: shared, share: 'shared' });
    space.map({ bytes: PAGE, address: BASE + 8 * PAGE, fixed: true, source: copied });
    space.map({ bytes: PAGE, address: BASE + 12 * PAGE, fixed: true, share: 'shared' });
    const child = await space.fork();
    await space.write(BASE, pattern(2 * PAGE));
    for (const at of [1, 4, 8, 12]) await mirror.write(BASE + at * PAGE, pattern(PAGE, 9));
    lose();
    const device = await openDevice(8);
    const { mirror: next, lost } = await space.replace(mirror, device, { lost: 'discard' });
    expect(lost).toEqual(
      [1, 4, 8, 12].map((at) => ({ start: BASE + at * PAGE, end: BASE + (at + 1) * PAGE, state: 'discarded' })),
    );
    const want = [
      [0, pattern(2 * PAGE).subarray(0, PAGE)],
      [1, new Uint8Array(PAGE)],
      [4, pattern(2 * PAGE, 5).subarray(0, PAGE)],
      [8, pattern(PAGE, 6)],
      [12, new Uint8Array(PAGE)],
    ] as const;
    for (const [at, bytes] of want) {
      expect(await space.read(BASE + at * PAGE, PAGE)).toEqual(bytes);
      expect(await next.read(BASE + at * PAGE, PAGE)).toEqual(bytes);
    }
    // Shared memory is one for all spaces.
    expect(await child.read(BASE + 4 * PAGE, PAGE)).toEqual(pattern(2 * PAGE, 5).subarray(0, PAGE));
    expect(await child.read(BASE + 12 * PAGE, PAGE)).toEqual(new Uint8Array(PAGE));
    await space.sync(BASE + 4 * PAGE, 2 * PAGE);
    expect(shared.bytes).toEqual(pattern(2 * PAGE, 5));
    await child.close();
    await space.close();
    await device.close();
    expect(device.violations).toEqual([]);
  });

  it('discards nothing that others still show', async () => {
    const { space, mirror, lose } = await world();
    space.map({ bytes: PAGE, address: BASE, fixed: true });
    await mirror.write(BASE, pattern(PAGE));
    const child = await space.fork();
    await mirror.exclusive(BASE, PAGE);
    const other = await child.attach(mirror.device, { prefetch: 'none', eviction: 'fifo', timeoutMs: 3000 });
    await other.write(BASE, pattern(PAGE, 2));
    await mirror.write(BASE, pattern(PAGE, 3));
    lose();
    const device = await openDevice(8);
    const [first, second] = await Promise.all([
      space.replace(mirror, device, { lost: 'discard' }),
      child.replace(other, device),
    ]);
    expect(first.lost.map(({ state }) => state)).toEqual(['discarded']);
    expect(second.lost.map(({ state }) => state)).toEqual(['lost']);
    expect(await space.read(BASE, PAGE)).toEqual(new Uint8Array(PAGE));
    await expectCode(child.read(BASE, 1), 'DEVICE_LOST');
    await child.close();
    await space.close();
    await device.close();
    expect(device.violations).toEqual([]);
  });

  it('takes the advice that named it along, pins too', async () => {
    const { space, mirror, lose } = await world();
    space.map({ bytes: 4 * PAGE, address: BASE, fixed: true });
    await space.write(BASE, pattern(4 * PAGE));
    await space.advise(BASE, 2 * PAGE, { pin: mirror, preferredLocation: mirror, accessedBy: [mirror] });
    await mirror.write(BASE + PAGE, pattern(PAGE, 2));
    lose();
    const device = await openDevice(3);
    const { mirror: next } = await space.replace(mirror, device);
    const { advice } = space.regionAt(BASE)!;
    expect([advice.pin, advice.preferredLocation, advice.accessedBy?.[0]]).toEqual([next, next, next]);
    expect(next.residency(BASE, PAGE)[0]! & 2).toBe(2);
    // What was lost is pinned as soon as it is there.
    await space.write(BASE + PAGE, pattern(PAGE, 3));
    await next.read(BASE + PAGE, 4);
    for (let i = 0; i < 4; i++) await next.read(BASE + 2 * PAGE + (i % 2) * PAGE, 4);
    expect(Array.from(next.residency(BASE, 2 * PAGE), (bits) => bits & 2)).toEqual([2, 2]);
    await space.close();
    await device.close();
    expect(device.violations).toEqual([]);
  });

  it('refuses a device that pinned pages do not fit, and can be replaced by another one then', async () => {
    const { space, mirror, lose } = await world();
    space.map({ bytes: 4 * PAGE, address: BASE, fixed: true });
    await space.advise(BASE, 4 * PAGE, { pin: mirror });
    lose();
    const small = await openDevice(3);
    await expectCode(space.replace(mirror, small), 'OUT_OF_DEVICE_MEMORY');
    expect(space.regionAt(BASE)!.advice.pin).toBe(mirror);
    const large = await openDevice(4);
    await space.replace(mirror, large);
    await small.close();
    await space.close();
    await large.close();
  });

  it('is not waited for by a launch, nor left behind by one that was under way', async () => {
    const { space, mirror, lose } = await world({ latency: TYPICAL_LATENCY });
    space.map({ bytes: 16 * PAGE, address: BASE, fixed: true });
    const launch = mirror.launch(countUp, { args: [BASE, PAGE, 16], grid: [64] });
    await new Promise((resolve) => setImmediate(resolve));
    lose();
    const device = await openDevice(8);
    const replaced = space.replace(mirror, device, { lost: 'discard' });
    await expectCode(launch.wait(), 'DEVICE_LOST');
    const { mirror: next } = await replaced;
    await space.dontNeed(BASE, 16 * PAGE);
    await next.launch(countUp, { args: [BASE, PAGE, 16], grid: [64] }).wait();
    for (let page = 0; page < 16; page++) expect((await space.read(BASE + page * PAGE, 4))[0]).toBe(4);
    await space.close();
    await device.close();
    expect(device.violations).toEqual([]);
  });

  it('leaves what somebody is about to write to whoever writes it', async () => {
    const { space, mirror, lose } = await world();
    space.map({ bytes: PAGE, address: BASE, fixed: true });
    await mirror.write(BASE, pattern(PAGE));
    lose();
    await mirror.lost;
    const held = await space.acquire(BASE, PAGE, 'write', { discard: true });
    held.bytes.set(pattern(PAGE, 4));
    const device = await openDevice(4);
    const { lost } = await space.replace(mirror, device, { lost: 'discard' });
    expect(lost).toEqual([{ start: BASE, end: BASE + PAGE, state: 'renewed' }]);
    held.release();
    expect(await space.read(BASE, PAGE)).toEqual(pattern(PAGE, 4));
    await space.close();
    await device.close();
  });

  it('keeps a page lost where a notifier refuses that it is discarded, and can be replaced again', async () => {
    const { space, mirror, lose } = await world();
    space.map({ bytes: PAGE, address: BASE, fixed: true });
    await mirror.write(BASE, pattern(PAGE));
    lose();
    await mirror.lost;
    let refuse = true;
    space.notifiers.insert({
      start: BASE,
      end: BASE + PAGE,
      invalidate: () => {
        if (refuse) throw new MirrorError('BUSY', 'not now');
      },
    });
    const device = await openDevice(4);
    await expectCode(space.replace(mirror, device, { lost: 'discard' }), 'BUSY');
    refuse = false;
    await expectCode(space.read(BASE, 1), 'DEVICE_LOST');
    const { lost } = await space.replace(mirror, device, { lost: 'discard' });
    expect(lost).toEqual([{ start: BASE, end: BASE + PAGE, state: 'discarded' }]);
    await space.close();
    await device.close();
  });
});

describe('a mirror on a device that works, replaced', () => {
  it('loses nothing', async () => {
    const { space, mirror, device } = await world();
    space.map({ bytes: 6 * PAGE, address: BASE, fixed: true });
    await space.write(BASE, pattern(6 * PAGE));
    await mirror.write(BASE + PAGE, pattern(2 * PAGE, 2));
    const other = await openDevice(2);
    const { mirror: next, lost } = await space.replace(mirror, other, { prefetch: 'tree' });
    expect(lost).toEqual([]);
    const want = pattern(6 * PAGE);
    want.set(pattern(2 * PAGE, 2), PAGE);
    expect(await next.read(BASE, 6 * PAGE)).toEqual(want);
    expect(next.options).toMatchObject({ prefetch: 'tree', eviction: 'fifo' });
    await device.close();
    await space.close();
    await other.close();
    expect(other.violations).toEqual([]);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 8])('and lost meanwhile, loses what had not come home (%i events)', async (events) => {
    const { space, mirror, lose } = await world({ latency: TYPICAL_LATENCY });
    space.map({ bytes: 4 * PAGE, address: BASE, fixed: true });
    await mirror.write(BASE, pattern(4 * PAGE));
    const other = await openDevice(8);
    const replacing = space.replace(mirror, other);
    for (let i = 0; i < events; i++) await new Promise((resolve) => setImmediate(resolve));
    lose();
    const { mirror: next, lost } = await replacing;
    for (let page = 0; page < 4; page++) {
      const at = BASE + page * PAGE;
      if (lost.some(({ start, end }) => start <= at && at < end)) await expectCode(space.read(at, 1), 'DEVICE_LOST');
      else expect(await next.read(at, PAGE)).toEqual(pattern(4 * PAGE).subarray(page * PAGE, (page + 1) * PAGE));
    }
    await space.close();
    await other.close();
    expect(other.violations).toEqual([]);
  });

  it('twice at once is done once', async () => {
    const { space, mirror, device } = await world();
    space.map({ bytes: PAGE, address: BASE, fixed: true });
    await mirror.write(BASE, pattern(PAGE));
    const [one, two] = [await openDevice(4), await openDevice(4)];
    const results = await Promise.allSettled([space.replace(mirror, one), space.replace(mirror, two)]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await space.read(BASE, PAGE)).toEqual(pattern(PAGE));
    await space.close();
    for (const each of [device, one, two]) await each.close();
  });
});
