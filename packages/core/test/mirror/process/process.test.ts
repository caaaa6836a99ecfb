import { describe, expect, it } from 'vitest';
import {
  createSpace,
  Mirror,
  RESIDENT_ASSUMED,
  RESIDENT_DEVICE,
  RESIDENT_HOST,
  RESIDENT_WRITABLE,
  validate,
} from '../../../src/index.js';
import { expectNoAllocation } from '../meters.js';
import { FakeDevice, FakeProcess, PAGE } from './fake.js';
import { error, spaces, turnsOf, world } from './rig.js';

describe('a mirror on a device that follows the process', () => {
  it('records what the device reads and writes, but no faults: those it serves itself', async () => {
    const { mirror, at } = await world();
    expect(() => mirror.record()).toThrow(error('UNSUPPORTED'));
    const recording = mirror.record({ of: 'accesses' });
    expect(() => mirror.record({ of: 'accesses' })).toThrow(error('INVALID_ARGUMENT'));
    await mirror.write(at(1) + 8, new Uint8Array(PAGE));
    await mirror.read(at(2), 1);
    await mirror.detach();
    expect([recording.active, recording.records, recording.dropped]).toEqual([false, 3, 0]);
  });

  it('moves pages there and home, and says where they are', async () => {
    const t = await world();
    expect(t.mirror).toBeInstanceOf(Mirror);
    expect(await t.mirror.migrate(t.at(2), 3 * PAGE, 'device')).toBe(3);
    expect(t.there()).toEqual([2, 3, 4]);
    expect(await t.mirror.migrate(t.at(3), PAGE, 'host')).toBe(1);
    expect(t.there()).toEqual([2, 4]);
    expect(t.mirror.stats).toMatchObject({ pagesIn: 3, bytesIn: 3 * PAGE, pagesOut: 1 });
  });

  it('makes room by the policy, and knows what the CPU took home meanwhile', async () => {
    const t = await world(4, { eviction: 'fifo', prefetch: 'none' });
    await t.mirror.migrate(t.at(0), 4 * PAGE, 'device');
    expect(await t.mirror.migrate(t.at(4), 2 * PAGE, 'device')).toBe(2);
    expect(t.there()).toEqual([2, 3, 4, 5]);
    expect(t.mirror.stats.evictions).toBe(2);
    // What the CPU has makes room by itself.
    t.process.touch(t.at(2));
    t.process.touch(t.at(4));
    expect(await t.mirror.migrate(t.at(8), 2 * PAGE, 'device')).toBe(2);
    expect(t.there()).toEqual([3, 5, 8, 9]);
    expect(t.mirror.stats.evictions).toBe(2);
  });

  it('does not push out what it is bringing, nor what is pinned', async () => {
    const t = await world(4);
    await t.space.advise(t.at(0), 2 * PAGE, { pin: t.mirror });
    expect(t.there()).toEqual([0, 1]);
    expect(await t.mirror.migrate(t.at(4), 6 * PAGE, 'device')).toBe(2);
    expect(t.there()).toEqual([0, 1, 4, 5]);
    await expect(t.space.advise(t.at(8), 5 * PAGE, { pin: t.mirror })).rejects.toThrow(error('OUT_OF_DEVICE_MEMORY'));
    await t.space.advise(t.at(0), 2 * PAGE, { pin: null });
    await t.mirror.migrate(t.at(8), 4 * PAGE, 'device');
    expect(t.there()).toEqual([8, 9, 10, 11]);
  });

  it('keeps what is pinned also after the CPU took it home and it came back', async () => {
    const t = await world(4);
    await t.space.advise(t.at(0), 2 * PAGE, { pin: t.mirror });
    t.process.touch(t.at(0));
    t.process.touch(t.at(1));
    await t.mirror.write(t.at(0), new Uint8Array(2 * PAGE));
    expect(await t.mirror.migrate(t.at(4), 6 * PAGE, 'device')).toBe(2);
    expect(t.there()).toEqual([0, 1, 4, 5]);
  });

  it('pins nothing of a range that does not come whole', async () => {
    const t = await world(4);
    t.device.stuck.add(t.at(1) / PAGE);
    await expect(t.space.advise(t.at(0), 2 * PAGE, { pin: t.mirror })).rejects.toThrow(error('OUT_OF_DEVICE_MEMORY'));
    expect(await t.mirror.migrate(t.at(4), 4 * PAGE, 'device')).toBe(4);
    expect(t.there()).toEqual([4, 5, 6, 7]);
  });

  it('counts what moved by snapshots: pages that stay are not there', async () => {
    const t = await world();
    t.device.stuck.add(t.at(1) / PAGE);
    expect(await t.mirror.migrate(t.at(0), 3 * PAGE, 'device')).toBe(2);
    expect(t.there()).toEqual([0, 2]);
  });

  it('brings what it writes, and by the prefetch policy what lies beside; reads stay where pages are', async () => {
    const t = await world(16, { prefetch: 'tree' });
    await t.mirror.write(t.at(0), Uint8Array.of(1, 2));
    expect(t.there()).toEqual(Array.from({ length: 16 }, (_, i) => i));
    expect(t.mirror.stats.prefetched).toBe(15);
    const u = await world();
    expect([...(await u.mirror.read(u.at(1), 2))]).toEqual([0, 0]);
    expect(u.there()).toEqual([]);
  });

  it('takes pages from another device that follows the same process', async () => {
    const t = await world();
    const other = new FakeDevice(t.process, 8, 'fake:1');
    const second = await t.space.attach(other, { prefetch: 'none' });
    await t.mirror.migrate(t.at(0), 3 * PAGE, 'device');
    expect(await second.migrate(t.at(1), 3 * PAGE, 'device')).toBe(3);
    expect(t.there()).toEqual([0]);
    expect(t.there(second)).toEqual([1, 2, 3]);
    expect(t.mirror.stats.recalls).toBe(2);
  });

  it('takes pages from a device that is detached meanwhile, or lost', async () => {
    for (const end of ['detach', 'fail'] as const) {
      const t = await world();
      const other = new FakeDevice(t.process, 8, 'fake:1');
      const second = await t.space.attach(other, { prefetch: 'none' });
      await t.mirror.migrate(t.at(0), 3 * PAGE, 'device');
      const moving = second.migrate(t.at(0), 3 * PAGE, 'device');
      const ended = end === 'detach' ? t.mirror.detach() : t.device.fail();
      expect(await moving).toBe(3);
      await ended;
      expect(t.there(second)).toEqual([0, 1, 2]);
    }
  });

  it('keeps to the rights of regions, and to what is mapped', async () => {
    const t = await world();
    await t.space.protect(t.at(1), PAGE, 'read');
    await expect(t.mirror.write(t.at(0), new Uint8Array(2 * PAGE))).rejects.toThrow(error('ACCESS_DENIED'));
    expect(t.device.ran).not.toContain('write');
    await t.mirror.migrate(t.at(4), 2 * PAGE, 'device');
    await t.space.unmap(t.at(4), PAGE);
    await expect(t.mirror.read(t.at(4), 1)).rejects.toThrow(error('ADDRESS_NOT_MAPPED'));
    const held = t.space.map({ bytes: PAGE, share: 'private' });
    await expect(t.mirror.read(held.address, 1)).rejects.toThrow(error('UNSUPPORTED'));
  });

  it('makes room also after memory went that pages were just coming from', async () => {
    for (let turns = 0; turns < 40; turns++) {
      const t = await world(4);
      const other = t.space.map({ bytes: 4 * PAGE });
      const moving = t.mirror.migrate(t.at(0), 4 * PAGE, 'device').catch((reason: unknown) => reason);
      await turnsOf(turns);
      await Promise.all([t.region.unmap(), moving]);
      const moved = t.mirror.migrate(other.address, 4 * PAGE, 'device');
      await expect(moved, `unmapped after ${turns} turns`).resolves.toBe(4);
    }
  });

  it('looks at as many pages as it makes room for, not at all that are there', async () => {
    const t = await world(160, { prefetch: 'none', eviction: 'fifo' });
    const large = t.space.map({ bytes: 160 * PAGE });
    const other = t.space.map({ bytes: 8 * PAGE });
    await t.mirror.migrate(large.address, large.bytes, 'device');
    t.device.looked = 0;
    expect(await t.mirror.migrate(other.address, PAGE, 'device')).toBe(1);
    expect(t.device.looked).toBeLessThan(80);
    expect(t.mirror.stats.evictions).toBe(1);
    // What the CPU took home is found, if not at once, when its turn comes: then nothing has to leave for what comes.
    for (let page = 100; page < 150; page++) t.process.touch(large.address + page * PAGE);
    for (let page = 1; page < 4; page++) await t.mirror.migrate(other.address + page * PAGE, PAGE, 'device');
    const { evictions } = t.mirror.stats;
    expect(evictions).toBeLessThan(4);
    for (let page = 4; page < 8; page++) await t.mirror.migrate(other.address + page * PAGE, PAGE, 'device');
    expect(t.mirror.stats.evictions).toBe(evictions);
  });

  it('counts what is unmapped as long as the memory is there', async () => {
    const t = await world(8, { prefetch: 'none', eviction: 'fifo' });
    await t.mirror.migrate(t.at(0), 8 * PAGE, 'device');
    await t.space.unmap(t.at(2), 4 * PAGE);
    const other = t.space.map({ bytes: 8 * PAGE });
    expect(await t.mirror.migrate(other.address, 4 * PAGE, 'device')).toBe(4);
    expect(t.process.owners.size).toBe(8);
    expect(t.mirror.stats.evictions).toBe(4);
    await t.space.unmap(t.at(0), 2 * PAGE);
    await t.space.unmap(t.at(6), 10 * PAGE);
    // Now nothing maps it: what was on the device of it is gone, and makes room.
    expect(t.process.owners.size).toBe(4);
    expect(await t.mirror.migrate(other.address + 4 * PAGE, 4 * PAGE, 'device')).toBe(4);
    expect(t.mirror.stats.evictions).toBe(4);
  });

  it('allocates nothing when the CPU page table changes (R4)', async () => {
    const t = await world();
    const { notifiers } = t.space;
    // Small numbers: large ones are objects, which the caller would make.
    const { address } = t.space.map({ bytes: 16 * PAGE, address: 16 * PAGE });
    await t.mirror.migrate(address, 8 * PAGE, 'device');
    for (const kind of ['unmap', 'release', 'protection', 'clear'] as const) {
      let next = 0;
      const callback = () => {
        const start = address + (next++ % 16) * PAGE;
        notifiers.begin(kind, start, start + PAGE);
        notifiers.end();
      };
      await expectNoAllocation(callback, async () => undefined);
    }
  });

  it('goes by what it asked for where the device does not say where pages are', async () => {
    const t = await world(4, { prefetch: 'none', eviction: 'fifo' }, []);
    expect(await t.mirror.migrate(t.at(0), 3 * PAGE, 'device')).toBe(3);
    const there = RESIDENT_ASSUMED | RESIDENT_DEVICE | RESIDENT_WRITABLE;
    const home = RESIDENT_ASSUMED | RESIDENT_HOST;
    expect([...t.mirror.residency(t.at(0), 4 * PAGE)]).toEqual([there, there, there, home]);
    expect(await t.mirror.migrate(t.at(2), 3 * PAGE, 'device')).toBe(2);
    expect(t.mirror.stats.evictions).toBe(1);
    expect(await t.mirror.migrate(t.at(1), PAGE, 'host')).toBe(1);
    expect([...t.mirror.residency(t.at(0), 5 * PAGE)]).toEqual([home, home, there, there, there]);
    await t.mirror.write(t.at(8), Uint8Array.of(1));
    expect([...(await t.mirror.read(t.at(8), 1))]).toEqual([1]);
    expect(t.device.ran).not.toContain('snapshot');
    // Not all came: as many count as there, and nothing is pinned.
    t.device.stuck.add(t.at(12) / PAGE);
    await expect(t.space.advise(t.at(12), 2 * PAGE, { pin: t.mirror })).rejects.toThrow(error('OUT_OF_DEVICE_MEMORY'));
    await t.mirror.detach();
    expect(t.process.owners.size).toBe(0);
  });

  it('tells a device that takes advice what holds for it', async () => {
    const t = await world(8, { prefetch: 'none' }, ['snapshots', 'advice']);
    const other = new FakeDevice(t.process, 8, 'fake:1', 'mirroring', ['advice']);
    const silent = new FakeDevice(t.process, 8, 'fake:2');
    await t.space.advise(t.at(4), PAGE, { preferredLocation: 'host', readMostly: true });
    const second = await t.space.attach(validate(other), { prefetch: 'none' });
    await t.space.attach(validate(silent), { prefetch: 'none' });
    await t.space.advise(t.at(0), 2 * PAGE, { preferredLocation: t.mirror, accessedBy: [second] });
    await t.space.advise(t.at(1), PAGE, { preferredLocation: null });
    await t.space.advise(t.at(0), PAGE, { pin: t.mirror });
    await t.space.advise(t.at(0), PAGE, { mergeable: true });
    expect(t.device.advised).toEqual(['4-5 host read-mostly', '0-2 device', '1-2 anywhere']);
    expect(other.advised).toEqual(['4-5 host read-mostly', '0-2 elsewhere accessed', '1-2 anywhere accessed']);
    expect(silent.advised).toEqual([]);
    const next = new FakeDevice(t.process, 8, 'fake:3', 'mirroring', ['advice']);
    await t.space.replace(second, next);
    expect(next.advised.filter((text) => text.includes('accessed'))).toEqual([
      '0-1 elsewhere accessed',
      '1-2 anywhere accessed',
    ]);
    // Of memory that no device reaches it is told nothing, and what it refuses is refused.
    const held = t.space.map({ bytes: PAGE, share: 'private' });
    await t.space.advise(held.address, PAGE, { preferredLocation: 'host' });
    t.device.fail();
    await t.mirror.lost;
    await t.space.advise(t.at(0), PAGE, { preferredLocation: 'host' });
  });

  it('refuses what the device does not offer', async () => {
    const t = await world();
    await expect(t.mirror.atomicAdd(t.at(0), 1)).rejects.toThrow(error('UNSUPPORTED'));
    await expect(t.mirror.harvest(t.at(0), PAGE)).rejects.toThrow(error('UNSUPPORTED'));
    expect(() => t.mirror.launch({ language: 'js', run: () => undefined } as never)).toThrow(error('UNSUPPORTED'));
  });

  it('loses nothing with its device', async () => {
    const t = await world();
    await t.mirror.migrate(t.at(0), 3 * PAGE, 'device');
    t.device.fail();
    expect((await t.mirror.lost).ranges).toEqual([]);
    await expect(t.mirror.read(t.at(0), 1)).rejects.toThrow(error('DEVICE_LOST'));
    const next = new FakeDevice(t.process, 8, 'fake:1');
    const { mirror, lost } = await t.space.replace(t.mirror, next);
    expect(lost).toEqual([]);
    expect([...(await mirror.read(t.at(0), 1))]).toEqual([0]);
  });

  it('takes everything home when it is detached', async () => {
    const t = await world();
    await t.mirror.migrate(t.at(0), 3 * PAGE, 'device');
    await t.mirror.detach();
    expect(t.process.owners.size).toBe(0);
    await expect(t.mirror.read(t.at(0), 1)).rejects.toThrow(error('CLOSED'));
  });

  it('ends what goes on in parts when it is detached', async () => {
    const t = await world();
    await t.space.protect(t.at(1), PAGE, 'read');
    const parts = {
      read: () => t.mirror.read(t.at(0), 3 * PAGE),
      exclusive: () => t.mirror.exclusive(t.at(0), 3 * PAGE),
      migrate: () => t.mirror.migrate(t.at(0), 3 * PAGE, 'host'),
      pin: () => t.space.advise(t.at(0), 3 * PAGE, { pin: t.mirror }),
    };
    for (const [name, begin] of Object.entries(parts)) {
      for (let turns = 0; turns < 60; turns++) {
        const going = begin().catch((reason: unknown) => reason);
        await turnsOf(turns);
        await t.mirror.detach();
        const ended = await going;
        if (ended instanceof Error) expect(ended, `${name}, ${turns} turns`).toEqual(error('CLOSED'));
        t.mirror = await t.space.attach(validate(t.device), { prefetch: 'none' });
      }
    }
  });

  it('brings nothing any more once it is being detached', async () => {
    for (let turns = 0; turns < 40; turns++) {
      const t = await world();
      const moving = t.mirror.migrate(t.at(0), 3 * PAGE, 'device').catch((reason: unknown) => reason);
      await turnsOf(turns);
      await t.mirror.detach();
      expect(t.process.owners.size, `detached after ${turns} turns`).toBe(0);
      const moved = await moving;
      if (typeof moved !== 'number') expect(moved).toEqual(error('CLOSED'));
      expect(t.process.owners.size, `detached after ${turns} turns`).toBe(0);
    }
  });
});

describe('attaching', () => {
  it('goes by whose pages they are', async () => {
    const t = await world();
    await expect(t.space.attach(new FakeDevice(t.process, 8, 'fake:1', 'managed'))).rejects.toThrow(
      error('UNSUPPORTED'),
    );
    await expect(t.space.attach(validate(t.device))).rejects.toThrow(error('INVALID_ARGUMENT'));
    const managed = await createSpace();
    spaces.push(managed);
    await expect(managed.attach(t.device)).rejects.toThrow(error('UNSUPPORTED'));
  });

  it('asks mirrors of a device to agree', async () => {
    const t = await world(8, { eviction: 'fifo' });
    const other = await createSpace({ host: t.process.memory() });
    spaces.push(other);
    await expect(other.attach(validate(t.device), { eviction: 'clock' })).rejects.toThrow(error('INVALID_ARGUMENT'));
    await other.attach(validate(t.device));
  });

  it('makes mirrors of a device share it, also those that are made at once', async () => {
    const process = new FakeProcess();
    const device = new FakeDevice(process, 4);
    const both = await Promise.all([0, 1].map(() => createSpace({ host: process.memory() })));
    spaces.push(...both);
    const mirrors = await Promise.all(both.map((space) => space.attach(device, { prefetch: 'none' })));
    for (const [i, mirror] of mirrors.entries()) {
      const { address } = both[i]!.map({ bytes: 4 * PAGE });
      expect(await mirror.migrate(address, 4 * PAGE, 'device')).toBe(4);
    }
    expect(process.owners.size).toBe(4);
    expect(mirrors.map(({ stats }) => [stats.recalls, stats.evictions])).toEqual([
      [0, 0],
      [0, 4],
    ]);
  });
});
