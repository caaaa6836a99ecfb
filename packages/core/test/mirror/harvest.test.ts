import { TYPICAL_LATENCY } from '@mirrorspace/memory';
import { describe, expect, it } from 'vitest';
import { createRig, PAGE, pattern, settle } from '../space/helpers.js';

describe('harvest', () => {
  it('counts what was accessed and written since the last one', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 8 * PAGE });
    await mirror.read(address, 3 * PAGE);
    await mirror.fill(address + 2 * PAGE, 2 * PAGE, 1);
    expect(await mirror.harvest(address, 8 * PAGE)).toEqual({ accessed: 4, dirty: 2 });
    expect(await mirror.harvest(address, 8 * PAGE)).toEqual({ accessed: 0, dirty: 0 });
    await mirror.fill(address + 3 * PAGE, 1, 2);
    expect(await mirror.harvest(address, 2 * PAGE)).toEqual({ accessed: 0, dirty: 0 });
    expect(await mirror.harvest(address, 8 * PAGE)).toEqual({ accessed: 1, dirty: 1 });
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
});
