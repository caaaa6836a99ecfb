import { createSpace, managedMemory, MirrorError, type SourceFrames } from '@mirrorspace/core';
import { describe, expect, test } from 'vitest';
import { createRig, expectBytes, expectCode, gate, PAGE, pattern, TestSource } from './helpers.js';

/** A source that can be made shorter, and longer. */
class Shrinking extends TestSource {
  length: number;
  truncateError: Error | undefined;
  truncateGate: Promise<void> | undefined;

  constructor(bytes: Uint8Array) {
    super(bytes);
    this.length = bytes.length;
    Object.defineProperty(this, 'size', { get: () => this.length });
  }

  async truncate(size: number): Promise<void> {
    await this.truncateGate;
    if (this.truncateError !== undefined) throw this.truncateError;
    this.length = size;
    this.bytes.fill(0, size);
  }
}

describe('truncate', () => {
  test('what lies behind the new end is gone for everybody, and the rest stays', async () => {
    const host = managedMemory();
    await using rig = await createRig({ space: { host } });
    const { space, mirror } = rig;
    await using other = await createSpace({ host });
    const source = new Shrinking(pattern(8 * PAGE));
    const shared = space.map({ bytes: 8 * PAGE, source, share: 'shared' }).address;
    const own = space.map({ bytes: 4 * PAGE, source, offset: 4 * PAGE }).address;
    const far = other.map({ bytes: 8 * PAGE, source, share: 'shared' }).address;
    await mirror.write(shared + 2 * PAGE, pattern(PAGE, 2));
    await mirror.write(shared + 6 * PAGE, pattern(PAGE, 6));
    await space.write(own + PAGE, pattern(PAGE, 5));
    await other.read(far, 8 * PAGE);
    const used = host.used;
    await space.truncate(source, 5 * PAGE);
    expect(source.length).toBe(5 * PAGE);
    expect(host.used).toBe(used - 4);
    for (const work of [
      space.read(shared + 5 * PAGE, 1),
      space.read(shared + 4 * PAGE, PAGE + 1),
      space.write(shared + 7 * PAGE, pattern(PAGE)),
      space.read(own + PAGE, 1),
      other.read(far + 6 * PAGE, 1),
      mirror.read(shared + 6 * PAGE, 1),
      mirror.write(own + 3 * PAGE, pattern(4)),
    ])
      await expectCode(work, 'IO');
    expectBytes(await mirror.read(shared + 2 * PAGE, PAGE), pattern(PAGE, 2));
    expectBytes(await other.read(far + 2 * PAGE, PAGE), pattern(PAGE, 2));
    expectBytes(await space.read(own, PAGE), pattern(8 * PAGE).subarray(4 * PAGE, 5 * PAGE));
    await space.sync(shared, 8 * PAGE);
    expectBytes(source.bytes.subarray(2 * PAGE, 3 * PAGE), pattern(PAGE, 2));
    expect(source.writes.every(([offset]) => offset < 5 * PAGE)).toBe(true);
  });

  test('the rest of the last page becomes zeros, wherever it was', async () => {
    for (const where of ['host', 'device'] as const) {
      await using rig = await createRig();
      const { space, mirror } = rig;
      const source = new Shrinking(pattern(2 * PAGE));
      const { address } = space.map({ bytes: 2 * PAGE, source, share: 'shared' });
      await (where === 'host' ? space : mirror).write(address, pattern(PAGE, 3));
      await space.truncate(source, 100);
      const expected = new Uint8Array(PAGE);
      expected.set(pattern(PAGE, 3).subarray(0, 100));
      expectBytes(await mirror.read(address, PAGE), expected);
      expectBytes(await space.read(address, PAGE), expected);
    }
  });

  test('a source that grows again shows zeros, not what was there', async () => {
    await using space = await createSpace();
    const source = new Shrinking(pattern(4 * PAGE));
    const { address } = space.map({ bytes: 4 * PAGE, source, share: 'shared' });
    await space.write(address + 2 * PAGE, pattern(PAGE, 7));
    await space.truncate(source, 2 * PAGE);
    source.length = 4 * PAGE;
    expectBytes(await space.read(address + 2 * PAGE, PAGE), new Uint8Array(PAGE));
  });

  test('what cannot be truncated is left as it was', async () => {
    await using space = await createSpace();
    const source = new Shrinking(pattern(4 * PAGE));
    const { address } = space.map({ bytes: 4 * PAGE, source, share: 'shared' });
    await space.write(address + 3 * PAGE, pattern(PAGE, 7));
    source.truncateError = new Error('read-only');
    await expectCode(space.truncate(source, PAGE), 'IO');
    expectBytes(await space.read(address + 3 * PAGE, PAGE), pattern(PAGE, 7));
    const fixed = new TestSource(pattern(PAGE));
    await expectCode(space.truncate(fixed, 10), 'INVALID_ARGUMENT');
  });

  test('a write to the source that began before cannot make it long again', async () => {
    await using space = await createSpace();
    const source = new Shrinking(pattern(4 * PAGE));
    const { address } = space.map({ bytes: 4 * PAGE, source, share: 'shared' });
    await space.write(address + 3 * PAGE, pattern(PAGE, 7));
    const held = gate();
    source.writeGate = held.opened;
    const syncing = space.sync(address, 4 * PAGE);
    await new Promise((resolve) => setTimeout(resolve));
    const truncating = space.truncate(source, PAGE);
    await new Promise((resolve) => setTimeout(resolve));
    expect(source.length).toBe(4 * PAGE);
    held.open();
    await Promise.all([syncing, truncating]);
    expect(source.length).toBe(PAGE);
    expectBytes(source.bytes.subarray(PAGE), new Uint8Array(3 * PAGE));
  });

  test('what is written back beside a truncation that fails reaches the source', async () => {
    await using space = await createSpace();
    const source = new Shrinking(pattern(4 * PAGE));
    const { address } = space.map({ bytes: 4 * PAGE, source, share: 'shared' });
    await space.write(address, pattern(4 * PAGE, 7));
    const held = gate();
    source.truncateGate = held.opened;
    source.truncateError = new Error('read-only');
    const truncating = expectCode(space.truncate(source, PAGE + 100), 'IO');
    const syncing = space.sync(address, 4 * PAGE);
    await new Promise((resolve) => setTimeout(resolve));
    held.open();
    await truncating;
    await syncing;
    expectBytes(source.bytes, pattern(4 * PAGE, 7));
  });

  test('truncations of one source come one after the other', async () => {
    await using space = await createSpace();
    const source = new Shrinking(pattern(4 * PAGE));
    const { address } = space.map({ bytes: 4 * PAGE, source, share: 'shared' });
    await space.read(address, 4 * PAGE);
    const held = gate();
    source.truncateGate = held.opened;
    const both = [space.truncate(source, 3 * PAGE), space.truncate(source, PAGE)];
    await new Promise((resolve) => setTimeout(resolve));
    expectBytes(await space.read(address, 4 * PAGE), pattern(4 * PAGE));
    held.open();
    await Promise.all(both);
    expect(source.length).toBe(PAGE);
    await expectCode(space.read(address + PAGE, 1), 'IO');
    expectBytes(await space.read(address, PAGE), pattern(4 * PAGE).subarray(0, PAGE));
  });

  test('a device that is using the pages fails there, and only there', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const source = new Shrinking(pattern(8 * PAGE));
    const { address } = space.map({ bytes: 8 * PAGE, source, share: 'shared' });
    await mirror.read(address, 8 * PAGE);
    await Promise.all([space.truncate(source, 4 * PAGE), mirror.write(address, pattern(PAGE, 1))]);
    await expectCode(mirror.read(address + 4 * PAGE, 4), 'IO');
    expectBytes(await space.read(address, PAGE), pattern(PAGE, 1));
  });

  test('leaves zeros behind the old end of a file that grows while its pages are written back', async () => {
    for (let turns = 0; turns < 24; turns++) {
      const space = await createSpace();
      const source = new Shrinking(pattern(2 * PAGE));
      const region = space.map({ bytes: 2 * PAGE, source, share: 'shared' });
      await space.truncate(source, PAGE + PAGE / 2);
      // Behind the end of the file, in its last page: it is there for as long as something shows it.
      await space.write(region.address + PAGE, pattern(PAGE, 2));
      const unmapped = region.unmap();
      for (let i = 0; i < turns; i++) await Promise.resolve();
      await space.truncate(source, 2 * PAGE);
      await unmapped;
      const expected = new Uint8Array(2 * PAGE);
      expected.set(pattern(PAGE));
      expected.set(pattern(PAGE, 2).subarray(0, PAGE / 2), PAGE);
      expectBytes(source.bytes, expected);
      await space.close();
    }
  });

  test('knows which pages are parted from a source where not all of them could be', async () => {
    const frames = managedMemory();
    const source = new Shrinking(pattern(80 * PAGE));
    const parted: [first: number, count: number][] = [];
    const sources: SourceFrames = {
      map(_source, page, count) {
        const first = frames.allocate(count);
        frames.commit(first, count);
        frames.view(first, count)!.set(source.bytes.subarray(page * PAGE, (page + count) * PAGE));
        return Uint32Array.from({ length: count }, (_none, i) => first + i);
      },
      part(first, count) {
        if (parted.length > 0) throw new MirrorError('OUT_OF_HOST_MEMORY', 'one part is enough');
        parted.push([first, count]);
      },
    };
    await using space = await createSpace({ host: Object.assign(frames, { sources }) });
    const { address } = space.map({ bytes: 80 * PAGE, source, share: 'shared' });
    await space.read(address, 80 * PAGE);
    await expectCode(space.truncate(source, 10 * PAGE), 'OUT_OF_HOST_MEMORY');
    expect(parted).toEqual([[10, 54]]);
    expect(source.length).toBe(80 * PAGE);
    // What is written to those that are parted has to reach the source; what is written to the others has.
    await space.write(address + 9 * PAGE, pattern(2 * PAGE, 3));
    await space.write(address + 63 * PAGE, pattern(2 * PAGE, 4));
    expect(await space.sync(address, 80 * PAGE)).toBe(4);
    expect(source.writes).toEqual([
      [10 * PAGE, PAGE],
      [63 * PAGE, PAGE],
    ]);
  });
});
