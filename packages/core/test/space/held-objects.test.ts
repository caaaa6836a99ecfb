import { createSpace } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { createRig, expectCode, PAGE, pattern, settle, TestSource } from './helpers.js';

describe('a hold for writing that outlives its region', () => {
  it('reaches the source when it ends', async () => {
    const space = await createSpace();
    const source = new TestSource(pattern(2 * PAGE));
    const region = space.map({ bytes: 2 * PAGE, source, share: 'shared' });
    await space.write(region.address + PAGE, Uint8Array.of(3));
    const held = await region.acquire('write', { bytes: PAGE });
    await region.unmap();
    expect(source.writes).toEqual([[PAGE, PAGE]]);
    held.bytes[0] = 7;
    held.release();
    await space.close();
    expect([source.bytes[0], source.bytes[PAGE]]).toEqual([7, 3]);
  });

  it('is seen by who maps the source meanwhile', async () => {
    await using space = await createSpace();
    const source = new TestSource(pattern(PAGE));
    const region = space.map({ bytes: PAGE, source, share: 'shared' });
    const held = await region.acquire('write');
    await region.unmap();
    const again = space.map({ bytes: PAGE, source, share: 'shared' });
    held.bytes[0] = 7;
    held.release();
    expect((await space.read(again.address, 1))[0]).toBe(7);
    expect(source.writes).toEqual([]);
    await again.unmap();
    expect(source.bytes[0]).toBe(7);
  });

  it('says by the next sync that the source refused it, and tries again', async () => {
    await using space = await createSpace();
    const source = new TestSource(pattern(PAGE));
    const other = space.map({ bytes: PAGE });
    const region = space.map({ bytes: PAGE, source, share: 'shared' });
    const held = await region.acquire('write');
    await region.unmap();
    held.bytes[0] = 7;
    source.writeError = new Error('disk full');
    held.release();
    await settle();
    await expectCode(space.sync(other.address, PAGE), 'IO');
    source.writeError = undefined;
    await space.sync(other.address, PAGE);
    expect(source.bytes[0]).toBe(7);
  });

  it('may end after its space', async () => {
    const space = await createSpace();
    const source = new TestSource(pattern(PAGE));
    const region = space.map({ bytes: PAGE, source, share: 'shared' });
    const held = await region.acquire('write');
    await space.close();
    held.bytes[0] = 7;
    held.release();
    await settle();
    expect(source.bytes[0]).toBe(7);
  });
});

describe('a page that is mapped twice in one range', () => {
  async function twice() {
    const rig = await createRig();
    const { space } = rig;
    const source = new TestSource(pattern(PAGE));
    const { address } = space.map({ bytes: PAGE, source, share: 'shared' });
    space.map({ bytes: PAGE, address: address + PAGE, fixed: true, source, share: 'shared' });
    return { rig, space, address, old: pattern(PAGE) };
  }

  it('keeps what was written to either of its places', async () => {
    const { rig, space, address, old } = await twice();
    {
      using held = await space.acquire(address, 2 * PAGE, 'write');
      expect(held.bytes.subarray(PAGE)).toEqual(old);
      held.bytes[10] = 201;
      held.bytes[PAGE + 20] = 202;
    }
    old[10] = 201;
    old[20] = 202;
    expect(await space.read(address, PAGE)).toEqual(old);
    expect(await rig.mirror.read(address + PAGE, PAGE)).toEqual(old);
    await rig[Symbol.asyncDispose]();
  });

  it('keeps what was written at the highest address where both were written', async () => {
    const { rig, space, address } = await twice();
    {
      using held = await space.acquire(address, 2 * PAGE, 'write');
      held.bytes[10] = 201;
      held.bytes[PAGE + 10] = 202;
    }
    expect((await space.read(address + 10, 1))[0]).toBe(202);
    await rig[Symbol.asyncDispose]();
  });

  it('is written by space.write in the order of addresses, also where the later bytes change nothing', async () => {
    const { rig, space, address, old } = await twice();
    const bytes = new Uint8Array(2 * PAGE).fill(201);
    bytes.set(old, PAGE);
    await space.write(address, bytes);
    expect(await space.read(address, PAGE)).toEqual(old);
    await space.write(address + 8, bytes.subarray(0, PAGE));
    expect(await space.read(address, PAGE)).toEqual(new Uint8Array(PAGE).fill(201));
    await rig[Symbol.asyncDispose]();
  });
});
