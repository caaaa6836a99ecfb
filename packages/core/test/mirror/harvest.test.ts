import { TYPICAL_LATENCY } from '@mirrorspace/memory';
import { describe, expect, it } from 'vitest';
import { createRig, expectBytes, expectCode, PAGE, pattern, settle, TestSource } from '../space/helpers.js';

describe('harvest', () => {
  it('counts what was accessed and written since the last one', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 8 * PAGE });
    await mirror.read(address, 3 * PAGE);
    await mirror.fill(address + 2 * PAGE, 2 * PAGE, 1);
    expect(await mirror.harvest(address, 8 * PAGE)).toEqual({ accessed: 4, dirty: 2, written: 0 });
    expect(await mirror.harvest(address, 8 * PAGE)).toEqual({ accessed: 0, dirty: 0, written: 0 });
    await mirror.fill(address + 3 * PAGE, 1, 2);
    expect(await mirror.harvest(address, 2 * PAGE)).toEqual({ accessed: 0, dirty: 0, written: 0 });
    expect(await mirror.harvest(address, 8 * PAGE)).toEqual({ accessed: 1, dirty: 1, written: 0 });
  });

  it('loses no dirty page: what it cleared still comes home', async () => {
    await using rig = await createRig({ frames: 4 });
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 8 * PAGE });
    await mirror.write(address, pattern(4 * PAGE));
    await mirror.harvest(address, 8 * PAGE);
    await mirror.read(address + 4 * PAGE, 4 * PAGE);
    expect(await space.read(address, 4 * PAGE)).toEqual(pattern(4 * PAGE));
  });

  it('races with writes, evictions, holds and forks, and nothing is lost', async () => {
    await using rig = await createRig({ frames: 6, device: { latency: TYPICAL_LATENCY } });
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 12 * PAGE });
    const counts = new Array<number>(12).fill(0);
    let running = true;
    const harvesting = (async () => {
      while (running) {
        await mirror.harvest(address, 12 * PAGE);
        await settle();
      }
    })();
    const onDevice = async (page: number) => {
      for (let i = 0; i < 8; i++) {
        await mirror.atomicAdd(address + page * PAGE, 1);
        counts[page]!++;
      }
    };
    const onCpu = async () => {
      for (let i = 0; i < 12; i++) {
        using held = await space.acquire(address + i * PAGE, 8, 'write');
        held.as(Uint32Array)[0]!++;
        counts[i]!++;
      }
    };
    const forking = (async () => {
      for (let i = 0; i < 3; i++) await (await space.fork()).close();
    })();
    await Promise.all([...counts.map((_, page) => onDevice(page)), onCpu(), forking]);
    running = false;
    await harvesting;
    const words = new Uint32Array((await space.read(address, 12 * PAGE)).buffer);
    expect(counts.map((_, page) => words[page * 1024])).toEqual(counts);
  }, 20_000);

  it('keeps what was written between two commands of one harvest', async () => {
    await using rig = await createRig({
      frames: 64,
      device: { latency: TYPICAL_LATENCY, pagesPerCommand: 2 },
    });
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 32 * PAGE });
    await space.write(address, pattern(32 * PAGE));
    await mirror.read(address, 32 * PAGE);
    // No device owns the last pages when the first command goes; they are written before the last one does.
    const harvesting = mirror.harvest(address, 32 * PAGE);
    await Promise.all([24, 27, 30, 31].map((page) => mirror.write(address + page * PAGE, pattern(64, page))));
    await harvesting;
    for (const page of [24, 27, 30, 31]) expectBytes(await space.read(address + page * PAGE, 64), pattern(64, page));
  });

  it('ends quietly when its mirror is detached, and keeps what was written', async () => {
    await using rig = await createRig({ device: { latency: TYPICAL_LATENCY, pagesPerCommand: 2 } });
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 16 * PAGE });
    await mirror.write(address, pattern(16 * PAGE));
    const harvests = [mirror.harvest(address, 16 * PAGE), mirror.harvest(address, 16 * PAGE)];
    await Promise.all([mirror.detach(), ...harvests]);
    expectBytes(await space.read(address, 16 * PAGE), pattern(16 * PAGE));
  });

  it('marks pages of files dirty, which sync then writes', async () => {
    const source = new TestSource(pattern(4 * PAGE));
    await using rig = await createRig();
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 4 * PAGE, source, share: 'shared' });
    await mirror.write(address + PAGE, pattern(PAGE, 5));
    expect(await mirror.harvest(address, 4 * PAGE)).toEqual({ accessed: 1, dirty: 1, written: 0 });
    expect(source.writes).toEqual([]);
    await space.sync(address, 4 * PAGE);
    expect(source.writes).toEqual([[PAGE, PAGE]]);
    expectBytes(source.bytes.slice(PAGE, 2 * PAGE), pattern(PAGE, 5));
  });

  it('writes back what is dirty of shared file regions if asked to, and the device goes on', async () => {
    const source = new TestSource(pattern(4 * PAGE));
    const other = new TestSource(pattern(2 * PAGE, 2));
    await using rig = await createRig();
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 4 * PAGE, source, share: 'shared', address: 0x4000_0000, fixed: true });
    space.map({ bytes: 2 * PAGE, source: other, address: address + 4 * PAGE, fixed: true });
    for (let round = 0; round < 3; round++) {
      await mirror.write(address + PAGE, pattern(PAGE, 5 + round));
      await mirror.write(address + 4 * PAGE, pattern(PAGE, 6));
      const { written } = await mirror.harvest(address, 6 * PAGE, { writeBack: true });
      expect(written).toBe(1);
      expectBytes(source.bytes.slice(PAGE, 2 * PAGE), pattern(PAGE, 5 + round));
    }
    expect(source.writes).toEqual([0, 1, 2].map(() => [PAGE, PAGE]));
    expect(other.writes).toEqual([]);
    expect((await mirror.harvest(address, 6 * PAGE, { writeBack: true })).written).toBe(0);
    source.writeError = new Error('disk full');
    await mirror.write(address, pattern(PAGE, 9));
    await expectCode(mirror.harvest(address, PAGE, { writeBack: true }), 'IO');
    source.writeError = undefined;
    expect((await mirror.harvest(address, PAGE, { writeBack: true })).written).toBe(1);
    expectBytes(source.bytes.slice(0, PAGE), pattern(PAGE, 9));
  });
});
