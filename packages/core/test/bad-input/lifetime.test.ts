import { createSpace } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { expectCode, openDevice, PAGE, pattern, TestSource } from '../space/helpers.js';

describe('closing', () => {
  it('of a space by many at once is one closing', async () => {
    const space = await createSpace();
    const source = new TestSource(pattern(PAGE));
    const { address } = space.map({ bytes: PAGE, source, share: 'shared' });
    await space.write(address, pattern(8, 3));
    const [first, ...others] = [space.close(), space.close(), space[Symbol.asyncDispose]()];
    for (const other of others) expect(other).toBe(first);
    await first;
    expect(source.writes).toEqual([[0, PAGE]]);
    expect(source.bytes.subarray(0, 8)).toEqual(pattern(8, 3));
    await space.close();
  });

  it('of a space while others use it lets each end or fail with CLOSED', async () => {
    const device = await openDevice(8);
    const space = await createSpace();
    const mirror = await space.attach(device);
    const { address } = space.map({ bytes: 4 * PAGE });
    const work = [
      space.write(address, pattern(PAGE)),
      space.read(address, PAGE),
      space.fork().then((child) => child.close()),
      mirror.read(address, PAGE),
      mirror.prefetch(address, 4 * PAGE),
      space.unmap(address, PAGE),
      space.attach(await openDevice(4)),
    ];
    const results = Promise.allSettled(work);
    await space.close();
    for (const result of await results) {
      if (result.status === 'rejected')
        expect(['CLOSED', 'ADDRESS_NOT_MAPPED']).toContain((result.reason as { code?: string }).code ?? result.reason);
    }
    await expectCode(mirror.read(address, 1), 'CLOSED');
    await device.close();
    expect(device.violations).toEqual([]);
  });

  it('that fails to write a file back says so, and the space is closed all the same', async () => {
    const space = await createSpace();
    const source = new TestSource(pattern(PAGE));
    const { address } = space.map({ bytes: PAGE, source, share: 'shared' });
    await space.write(address, pattern(8, 3));
    source.writeError = new Error('disk full');
    await expectCode(space.close(), 'IO');
    expect(space.closed).toBe(true);
    await expectCode(space.close(), 'IO');
    await expectCode(space.read(address, 1), 'CLOSED');
  });

  it('of a device twice, and of its mirror afterwards, is no error', async () => {
    const device = await openDevice(4);
    const space = await createSpace();
    const mirror = await space.attach(device);
    await Promise.all([device.close(), device.close()]);
    await Promise.all([mirror.detach(), mirror.detach()]);
    await space.close();
  });
});
