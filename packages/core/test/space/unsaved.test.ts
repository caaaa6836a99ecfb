import { createSpace } from '@mirrorspace/core';
import { expect, it } from 'vitest';
import { expectCode, PAGE, pattern, settle, TestSource } from './helpers.js';

it('tries again to write back what failed when a mapping replaced the region, and says so until it succeeds', async () => {
  const space = await createSpace();
  const source = new TestSource(pattern(PAGE));
  const { address } = space.map({ bytes: PAGE, source, share: 'shared' });
  await space.write(address, new Uint8Array(PAGE).fill(9));
  source.writeError = new Error('disk full');
  space.map({ bytes: PAGE, address, fixed: true });
  await settle();
  expect((await expectCode(space.sync(address, PAGE), 'IO')).message).toContain('dirty');
  source.writeError = undefined;
  await space.sync(address, PAGE);
  expect(source.bytes[0]).toBe(9);
  await space.close();
});
