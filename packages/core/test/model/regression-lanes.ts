import { createSpace } from '@mirrorspace/core';
import { memory, SimClock, TYPICAL_LATENCY } from '@mirrorspace/memory';

/** Sends a page home again and again, at every moment of its way to the device. @throws Error where a read finds anything else than zeros */
export async function runRegressionLanes(): Promise<void> {
  for (let turns = 0; turns < 24; turns++) {
    const clock = new SimClock();
    const device = await memory.open({ memory: 4 * 4096, poison: true, latency: TYPICAL_LATENCY, clock });
    const space = await createSpace();
    const mirror = await space.attach(device, { prefetch: 'none' });
    const { address } = space.map({ bytes: 4096 });
    const reading = mirror.read(address, 4);
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
    const again = mirror.migrate(address, 4096, 'host');
    for (let i = 0; i < 4; i++) {
      const bytes = await mirror.read(address + 8, 4);
      if (bytes.some((byte) => byte !== 0)) throw new Error(`after ${turns} turns: read ${bytes.join()}`);
    }
    if ((await reading).some((byte) => byte !== 0)) throw new Error(`after ${turns} turns: the first read differs`);
    await again;
    await space.close();
    await device.close();
  }
}
