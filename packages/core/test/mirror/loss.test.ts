import { createSpace, MirrorError, validate } from '@mirrorspace/core';
import { memory, type MemoryOptions, SimClock, TYPICAL_LATENCY } from '@mirrorspace/memory';
import { describe, expect, it } from 'vitest';
import { expectCode, openDevice, PAGE, pattern, TestSource } from '../space/helpers.js';
import { countUp } from './helpers.js';

const BASE = 0x4000_0000;

/** A space on a device that is lost by its first atomicAdd. */
async function loseable(options: MemoryOptions = {}) {
  const device = await openDevice(32, { faults: [{ do: 'lose', at: { kind: 'atomicAdd', nth: 1 } }], ...options });
  const space = await createSpace();
  const mirror = await space.attach(device, { prefetch: 'none' });
  const scratch = space.map({ bytes: PAGE });
  const lose = async () => {
    await expectCode(mirror.atomicAdd(scratch.address, 1), 'DEVICE_LOST');
    return mirror.lost;
  };
  return { device, space, mirror, lose };
}

describe('a lost device', () => {
  it('takes exactly what existed nowhere else, and says which ranges', async () => {
    const { device, space, mirror, lose } = await loseable();
    space.map({ bytes: 8 * PAGE, address: BASE, fixed: true });
    await space.write(BASE, pattern(8 * PAGE));
    await mirror.write(BASE + PAGE, pattern(2 * PAGE, 2));
    await mirror.fill(BASE + 5 * PAGE, 4, 1);
    await mirror.read(BASE + 6 * PAGE, PAGE);
    const { error, ranges } = await lose();
    expect(error.code).toBe('DEVICE_LOST');
    expect(ranges).toEqual([
      { start: BASE + PAGE, end: BASE + 3 * PAGE },
      { start: BASE + 5 * PAGE, end: BASE + 6 * PAGE },
    ]);
    for (const page of [0, 3, 4, 6, 7]) {
      const at = BASE + page * PAGE;
      expect(await space.read(at, PAGE)).toEqual(pattern(8 * PAGE).subarray(page * PAGE, (page + 1) * PAGE));
    }
    for (const page of [1, 2, 5]) {
      const failure = await expectCode(space.read(BASE + page * PAGE, 1), 'DEVICE_LOST');
      expect(failure.ranges).toEqual([{ start: BASE + page * PAGE, end: BASE + (page + 1) * PAGE }]);
      await expectCode(space.acquire(BASE + page * PAGE, 4, 'write'), 'DEVICE_LOST');
    }
    await expectCode(space.read(BASE, 8 * PAGE), 'DEVICE_LOST');
    await space.close();
    await device.close();
    expect(device.violations).toEqual([]);
  });

  it('is no obstacle to pages that are written whole or discarded', async () => {
    const { device, space, mirror, lose } = await loseable();
    space.map({ bytes: 3 * PAGE, address: BASE, fixed: true });
    await mirror.write(BASE, pattern(3 * PAGE));
    await lose();
    await space.write(BASE, pattern(PAGE, 7));
    expect(await space.read(BASE, PAGE)).toEqual(pattern(PAGE, 7));
    await space.dontNeed(BASE + PAGE, PAGE);
    expect(await space.read(BASE + PAGE, PAGE)).toEqual(new Uint8Array(PAGE));
    {
      using held = await space.acquire(BASE + 2 * PAGE, PAGE, 'write', { discard: true });
      expect(held.bytes).toEqual(new Uint8Array(PAGE));
    }
    expect(await space.read(BASE, 3 * PAGE)).toHaveLength(3 * PAGE);
    await space.close();
    await device.close();
  });

  it('is no loss of another device that is refused what it had', async () => {
    const { device, space, mirror, lose } = await loseable();
    const other = await openDevice(8, { latency: TYPICAL_LATENCY });
    const second = await space.attach(other, { prefetch: 'none' });
    space.map({ bytes: 2 * PAGE, address: BASE, fixed: true });
    await mirror.write(BASE, pattern(PAGE));
    await second.write(BASE + PAGE, pattern(PAGE, 2));
    await lose();
    await expectCode(second.read(BASE, 4), 'DEVICE_LOST');
    // What it maps and unmaps is still followed by those who check it.
    await space.write(BASE + PAGE, pattern(PAGE, 3));
    expect(await second.read(BASE + PAGE, PAGE)).toEqual(pattern(PAGE, 3));
    expect(other.violations).toEqual([]);
    await space.close();
    await other.close();
    await device.close();
  });

  it.each([0, 1, 2, 3, 4, 6])(
    'takes nothing of which it had a copy only, from whoever calls it home (%i events)',
    async (events) => {
      for (const who of ['write', 'whole', 'other'] as const) {
        const clock = new SimClock();
        const device = await memory.open({ memory: 8 * PAGE, pageSizes: [PAGE], latency: TYPICAL_LATENCY, clock });
        const other = await openDevice(8, { latency: TYPICAL_LATENCY, clock });
        const space = await createSpace({ timeoutMs: 2000 });
        const mirror = await space.attach(device, { prefetch: 'none' });
        const second = await space.attach(other, { prefetch: 'none' });
        space.map({ bytes: PAGE, address: BASE, fixed: true });
        await space.write(BASE, pattern(PAGE));
        await mirror.read(BASE, 4);
        const data = pattern(who === 'whole' ? PAGE : 8, 3);
        const writing = (who === 'other' ? second : space).write(BASE, data);
        for (let i = 0; i < events; i++) await new Promise((resolve) => setImmediate(resolve));
        memory.conformance.lose(device);
        await writing;
        expect((await mirror.lost).ranges).toEqual([]);
        const expected = pattern(PAGE);
        expected.set(data);
        expect(await space.read(BASE, PAGE)).toEqual(expected);
        await space.close();
        await other.close();
        expect(other.violations).toEqual([]);
      }
    },
  );

  it.each([0, 1, 2, 3, 4, 6])('is no obstacle to a page that is being written whole (%i events)', async (events) => {
    const device = await memory.open({ memory: 8 * PAGE, pageSizes: [PAGE], latency: TYPICAL_LATENCY });
    const space = await createSpace({ timeoutMs: 2000 });
    const mirror = await space.attach(device, { prefetch: 'none' });
    space.map({ bytes: PAGE, address: BASE, fixed: true });
    await mirror.write(BASE, pattern(PAGE));
    const writing = space.write(BASE, pattern(PAGE, 3));
    for (let i = 0; i < events; i++) await new Promise((resolve) => setImmediate(resolve));
    memory.conformance.lose(device);
    await writing;
    expect(await space.read(BASE, PAGE)).toEqual(pattern(PAGE, 3));
    await space.close();
  });

  it('leaves files what they had, and sync says what they do not get', async () => {
    const { device, space, mirror, lose } = await loseable();
    const source = new TestSource(pattern(3 * PAGE));
    space.map({ bytes: 3 * PAGE, source, share: 'shared', address: BASE, fixed: true });
    await space.write(BASE, pattern(3 * PAGE, 2));
    await mirror.write(BASE + PAGE, pattern(4, 3));
    await lose();
    const failure = await expectCode(space.sync(BASE, 3 * PAGE), 'DEVICE_LOST');
    expect(failure.ranges).toEqual([{ start: BASE + PAGE, end: BASE + 2 * PAGE }]);
    expect(source.writes.map(([offset]) => offset)).toEqual([0, 2 * PAGE]);
    await space.sync(BASE, PAGE);
    await space.write(BASE + PAGE, pattern(PAGE, 4));
    expect(await space.sync(BASE, 3 * PAGE)).toBe(1);
    expect(source.bytes.subarray(PAGE, 2 * PAGE)).toEqual(pattern(PAGE, 4));
    await space.close();
    await device.close();
  });

  it('loses a page of a file at every place that shows it, and what was unmapped with its region is no trouble', async () => {
    const { device, space, mirror, lose } = await loseable();
    const source = new TestSource(pattern(2 * PAGE));
    const one = space.map({ bytes: 2 * PAGE, source, share: 'shared', address: BASE, fixed: true });
    space.map({ bytes: 2 * PAGE, source, share: 'shared', address: BASE + 8 * PAGE, fixed: true });
    space.map({ bytes: 2 * PAGE, source, address: BASE + 16 * PAGE, fixed: true });
    await space.write(BASE + 16 * PAGE, pattern(PAGE, 5));
    await mirror.write(BASE, pattern(2 * PAGE, 2));
    await one.unmap();
    expect((await lose()).ranges).toEqual([
      { start: BASE + 8 * PAGE, end: BASE + 10 * PAGE },
      { start: BASE + 17 * PAGE, end: BASE + 18 * PAGE },
    ]);
    for (const at of [8, 9, 17]) await expectCode(space.read(BASE + at * PAGE, 1), 'DEVICE_LOST');
    expect(await space.read(BASE + 16 * PAGE, PAGE)).toEqual(pattern(PAGE, 5));
    await space.unmap(BASE, 32 * PAGE);
    expect(source.bytes).toEqual(pattern(2 * PAGE));
    await space.close();
    await device.close();
  });

  it('makes a write of a part fail rather than vanish', async () => {
    const { device, space, mirror, lose } = await loseable();
    space.map({ bytes: 2 * PAGE, address: BASE, fixed: true });
    await mirror.write(BASE, pattern(2 * PAGE));
    await lose();
    await expectCode(space.write(BASE + 8, pattern(8)), 'DEVICE_LOST');
    await expectCode(space.write(BASE, pattern(PAGE + 8)), 'DEVICE_LOST');
    await space.close();
    await device.close();
  });

  it('fails what runs on it, and every later use of its mirror, at once', async () => {
    const { device, space, mirror, lose } = await loseable();
    const held = await space.map({ bytes: PAGE, address: BASE, fixed: true }).acquire('write');
    const stalled = mirror.launch(countUp, { args: [BASE, PAGE, 1], grid: [4], queue: 1 });
    await lose();
    await expectCode(stalled.wait(), 'DEVICE_LOST');
    held.release();
    await expectCode(mirror.read(BASE, 4), 'DEVICE_LOST');
    await expectCode(() => mirror.launch(countUp, { args: [BASE, PAGE, 1] }), 'DEVICE_LOST');
    await expectCode(mirror.prefetch(BASE, PAGE), 'DEVICE_LOST');
    await expectCode(mirror.harvest(BASE, PAGE), 'DEVICE_LOST');
    await mirror.detach();
    await expectCode(space.attach(device), 'DEVICE_LOST');
    await space.close();
    await device.close();
    expect(device.violations).toEqual([]);
  });

  it('does not hold up its space: unmap, fork, another device and close go on', async () => {
    const { device, space, mirror, lose } = await loseable();
    space.map({ bytes: 4 * PAGE, address: BASE, fixed: true });
    await mirror.write(BASE, pattern(2 * PAGE));
    await space.write(BASE + 2 * PAGE, pattern(2 * PAGE, 3));
    await lose();
    const child = await space.fork();
    await expectCode(child.read(BASE, 1), 'DEVICE_LOST');
    const other = await openDevice(8);
    const second = await space.attach(other, { prefetch: 'none' });
    await expectCode(second.read(BASE, 4), 'DEVICE_LOST');
    expect(await second.read(BASE + 2 * PAGE, 2 * PAGE)).toEqual(pattern(2 * PAGE, 3));
    await space.unmap(BASE, PAGE);
    await child.close();
    await space.close();
    for (const one of [device, other]) {
      await one.close();
      expect(one.violations).toEqual([]);
    }
  });

  it('loses what its other spaces had there too', async () => {
    const { device, space, lose } = await loseable();
    const other = await createSpace();
    const mirror = await other.attach(device, { prefetch: 'none' });
    other.map({ bytes: 2 * PAGE, address: BASE, fixed: true });
    await mirror.write(BASE, pattern(PAGE));
    await lose();
    expect((await mirror.lost).ranges).toEqual([{ start: BASE, end: BASE + PAGE }]);
    await expectCode(other.read(BASE, 1), 'DEVICE_LOST');
    await other.close();
    await space.close();
    await device.close();
  });

  it('that is closed under its mirror says CLOSED', async () => {
    const device = await openDevice(8);
    const space = await createSpace();
    const mirror = await space.attach(device);
    const { address } = space.map({ bytes: PAGE });
    await mirror.write(address, pattern(PAGE));
    await device.close();
    expect(await mirror.lost).toMatchObject({
      error: { code: 'CLOSED' },
      ranges: [{ start: address, end: address + PAGE }],
    });
    await expectCode(mirror.read(address, 4), 'CLOSED');
    await space.close();
  });

  const kinds = ['copyIn', 'map', 'copyOut', 'unmap', 'flushTlb', 'replayFaults', 'protect'] as const;
  it.each(kinds)('in the middle of a %s loses nothing that the host has', async (kind) => {
    const device = validate(
      await memory.open({
        memory: 4 * PAGE,
        pageSizes: [PAGE],
        faults: [{ do: 'lose', at: { kind, nth: 3 } }],
        latency: { command: 5 },
      }),
    );
    const space = await createSpace();
    const mirror = await space.attach(device, { prefetch: 'none' });
    const pages = 16;
    const { address } = space.map({ bytes: pages * PAGE });
    await space.write(address, pattern(pages * PAGE));
    const written = new Map<number, number>();
    let lost: unknown;
    for (let i = 0; lost === undefined; i++) {
      const at = address + (i % pages) * PAGE;
      try {
        // The page written just before comes home.
        if (i % 3 === 2) await space.read(address + ((i - 1) % pages) * PAGE, 4);
        else await mirror.fill(at, PAGE, (i % 250) + 1);
        if (i % 3 !== 2) written.set(at, (i % 250) + 1);
      } catch (error) {
        lost = error;
      }
    }
    expect(lost).toBeInstanceOf(MirrorError);
    const { ranges } = await mirror.lost;
    for (let page = 0; page < pages; page++) {
      const at = address + page * PAGE;
      if (ranges.some(({ start, end }) => at >= start && at < end)) {
        await expectCode(space.read(at, 1), 'DEVICE_LOST');
        continue;
      }
      const bytes = await space.read(at, PAGE);
      const old = pattern(pages * PAGE).subarray(page * PAGE, (page + 1) * PAGE);
      const value = written.get(at);
      // The write that failed may have come home before the device went.
      const want = value === undefined ? [old] : [new Uint8Array(PAGE).fill(value)];
      const ok = want.some((one) => Buffer.compare(one, bytes) === 0) || bytes.every((byte) => byte === bytes[0]);
      expect([page, ok]).toEqual([page, true]);
    }
    await space.close();
    await device.close();
    expect(device.violations).toEqual([]);
  });

  it.each([0, 1, 2, 3, 4, 6, 8])(
    'leaves no page locked that it was fetching from another device (after %i events)',
    async (events) => {
      const clock = new SimClock();
      const device = await memory.open({ memory: 16 * PAGE, pageSizes: [PAGE], latency: TYPICAL_LATENCY, clock });
      const other = await openDevice(16, { latency: TYPICAL_LATENCY, clock });
      const space = await createSpace({ timeoutMs: 2000 });
      const mirror = await space.attach(device);
      const owner = await space.attach(other);
      const { address } = space.map({ bytes: PAGE });
      await owner.write(address, pattern(PAGE));
      const writing = mirror.write(address, pattern(8)).catch(() => undefined);
      for (let i = 0; i < events; i++) await new Promise((resolve) => setImmediate(resolve));
      memory.conformance.lose(device);
      await writing;
      const { ranges } = await mirror.lost;
      if (ranges.length === 0) expect((await space.read(address, PAGE)).subarray(8)).toEqual(pattern(PAGE).subarray(8));
      else await expectCode(space.read(address, 1), 'DEVICE_LOST');
      await space.close();
      await other.close();
      expect(other.violations).toEqual([]);
    },
  );
});
