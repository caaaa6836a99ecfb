import { createSpace } from '@mirrorspace/core';
import { TYPICAL_LATENCY } from '@mirrorspace/memory';
import { describe, expect, it } from 'vitest';
import { bytesSource } from '@mirrorspace/core';
import { openDevice, PAGE } from '../space/helpers.js';

/** Writes of the device after which whoever waits for it has waited too long. */
const MOST_WRITES = 500;

describe('a private copy of a page that a device writes all the time is made', () => {
  for (const latency of ['zero', 'typical'] as const) {
    for (const who of ['cpu', 'same device', 'other device'] as const) {
      it(`for a write of the ${who}, ${latency} latency`, async () => {
        const times = latency === 'zero' ? {} : { latency: TYPICAL_LATENCY, seed: 1 };
        const devices = [await openDevice(8, times), await openDevice(8, times)];
        const space = await createSpace();
        const [writer, other] = await Promise.all(devices.map((device) => space.attach(device, { prefetch: 'none' })));
        const source = bytesSource(new Uint8Array(PAGE));
        const shared = space.map({ bytes: PAGE, source, share: 'shared' }).address;
        const own = space.map({ bytes: PAGE, source }).address;
        let going = true;
        let writes = 0;
        const writing = (async () => {
          while (going && writes < MOST_WRITES) await writer!.write(shared, Uint8Array.of(++writes));
        })();
        for (let i = 0; i < 20; i++) await Promise.resolve();
        const copier = { cpu: space, 'same device': writer!, 'other device': other! }[who];
        await copier.write(own + 8, Uint8Array.of(9)).then(() => (going = false));
        await writing;
        expect(writes).toBeLessThan(MOST_WRITES);
        // What the device wrote before the copy was made is in it, and nothing that it wrote later.
        const copied = (await space.read(own, 9))[0]!;
        await writer!.write(shared, Uint8Array.of(77));
        for (const reader of [space, writer!, other!]) {
          expect([...(await reader.read(own, 9))]).toEqual([copied, 0, 0, 0, 0, 0, 0, 0, 9]);
          expect([...(await reader.read(shared, 9))]).toEqual([77, 0, 0, 0, 0, 0, 0, 0, 0]);
        }
        await space.close();
        for (const device of devices) {
          await device.close();
          expect(device.violations).toEqual([]);
        }
      });
    }
  }
});
