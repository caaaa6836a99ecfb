import { expect, it } from 'vitest';
import { createRig, expectBytes, expectCode, PAGE, pattern } from '../space/helpers.js';

it('a page that a device has can be used after the device refused a better entry for it', async () => {
  await using rig = await createRig({ device: { faults: [{ do: 'outOfMemory', at: { kind: 'map', nth: 2 } }] } });
  const { space, mirror } = rig;
  const { address } = space.map({ bytes: PAGE });
  await space.write(address, pattern(PAGE));
  await mirror.read(address, 4);
  await expectCode(mirror.write(address, Uint8Array.of(9)), 'OUT_OF_DEVICE_MEMORY');
  expectBytes(await mirror.read(address, PAGE), pattern(PAGE));
  await mirror.write(address, Uint8Array.of(8));
  expect((await space.read(address, 2)).slice()).toEqual(Uint8Array.of(8, pattern(2)[1]!));
});
