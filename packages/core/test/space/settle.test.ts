import { createSpace } from '@mirrorspace/core';
import { expect, it } from 'vitest';
import { expectBytes, expectCode, gate, PAGE, pattern, settle, TestSource } from './helpers.js';

it('keeps what was written through another region while the last one before was written back', async () => {
  for (let turns = 0; turns < 20; turns++) {
    const space = await createSpace();
    const source = new TestSource(pattern(2 * PAGE));
    const first = space.map({ bytes: 2 * PAGE, source, share: 'shared' });
    await space.write(first.address, pattern(PAGE, 2));
    const held = gate();
    source.writeGate = held.opened;
    const before = first.unmap();
    await settle();
    const second = space.map({ bytes: 2 * PAGE, source, share: 'shared' });
    await space.write(second.address + PAGE, pattern(PAGE, 3));
    if (turns % 2 === 0) held.open();
    const after = second.unmap();
    for (let i = 0; i < turns; i++) await Promise.resolve();
    held.open();
    await Promise.all([before, after]);
    expectBytes(source.bytes.subarray(0, PAGE), pattern(PAGE, 2));
    expectBytes(source.bytes.subarray(PAGE), pattern(PAGE, 3));
    expect(space.memory.used).toBe(0);
    await space.close();
  }
});

it('keeps what could not be written back while somebody else drops the cache', async () => {
  const space = await createSpace();
  const source = new TestSource(pattern(2 * PAGE));
  const first = space.map({ bytes: 2 * PAGE, source, share: 'shared' });
  await space.write(first.address, pattern(PAGE, 2));
  const opening = gate();
  source.writeGate = opening.opened;
  const before = first.unmap();
  await settle();
  const second = space.map({ bytes: 2 * PAGE, source, share: 'shared' });
  await space.write(second.address + PAGE, pattern(PAGE, 3));
  const failing = gate();
  opening.open();
  source.writeGate = failing.opened;
  const after = expectCode(second.unmap(), 'IO');
  await settle();
  source.writeError = new Error('disk full');
  failing.open();
  await after;
  await before.catch(() => undefined);
  source.writeError = undefined;
  await space.close();
  expectBytes(source.bytes.subarray(PAGE), pattern(PAGE, 3));
});
