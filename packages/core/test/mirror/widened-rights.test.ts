import { createSpace, type JsProgram } from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';
import { expect, it } from 'vitest';

it('a page that a device owns can be written again when the region allows it again', async () => {
  const device = await memory.open({ memory: '64 KiB' });
  const space = await createSpace({ addressBits: device.limits.addressBits, pageSize: 4096 });
  const mirror = await space.attach(device);
  const { address } = space.map({ bytes: 4096 });
  await mirror.write(address, Uint8Array.of(1));
  await space.protect(address, 4096, 'read');
  // Denied; the device keeps the page, and gets an entry for reads.
  await expect(mirror.write(address, Uint8Array.of(2))).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  await space.protect(address, 4096, 'read-write');
  const program: JsProgram = { language: 'js', run: (ctx) => ctx.store8(address, 3) };
  await mirror.launch(program).wait({ timeoutMs: 2000 });
  expect((await space.read(address, 1))[0]).toBe(3);
  await space.close();
  await device.close();
});
