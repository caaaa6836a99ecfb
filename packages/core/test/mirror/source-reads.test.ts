import { type ByteSource, createSpace, type JsProgram, managedMemory } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { createRig, expectBytes, expectCode, PAGE, pattern, type Rig } from '../space/helpers.js';

/** A source of any length whose word at each multiple of 4096 is the number of its page; it takes a turn for each read. */
class PageNumbers implements ByteSource {
  readonly size: number;
  readonly reads: [offset: number, bytes: number][] = [];
  underWay = 0;
  most = 0;
  /** Reads that touch this page fail. */
  bad = -1;

  constructor(pages: number) {
    this.size = pages * PAGE;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    this.reads.push([offset, into.length]);
    this.most = Math.max(this.most, ++this.underWay);
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.underWay--;
    const first = offset / PAGE;
    if (this.bad >= first && this.bad < first + into.length / PAGE) throw new Error('bad sector');
    const words = new Uint32Array(into.buffer, into.byteOffset, into.length / 4).fill(0);
    for (let i = 0; i < into.length / PAGE; i++) words[(i * PAGE) / 4] = first + i;
  }

  get bytesRead(): number {
    return this.reads.reduce((sum, [, bytes]) => sum + bytes, 0);
  }
}

/** Each unit reads the page at `start + x * stride` and adds what it found. */
const sum: JsProgram = {
  language: 'js',
  run: (ctx, { x }, [at = 0, out = 0, stride = PAGE]) => {
    ctx.atomicAdd(out, ctx.load32(at + x * stride));
  },
};

async function summed(rig: Rig, source: ByteSource, units: number, stride: number): Promise<number> {
  const { space, mirror } = rig;
  const { address } = space.map({ bytes: source.size, source, share: 'shared', access: 'read' });
  const out = space.map({ bytes: PAGE });
  await mirror.launch(sum, { args: [address, out.address, stride], grid: [units] }).wait();
  return new DataView((await space.read(out.address, 4)).buffer).getUint32(0, true);
}

describe('faults on pages of a source', () => {
  it('that are neighbours share a read of up to a mebibyte', async () => {
    await using rig = await createRig({ frames: 1024, attach: { batch: 1024 } });
    const source = new PageNumbers(512);
    expect(await summed(rig, source, 512, PAGE)).toBe((512 * 511) / 2);
    expect(source.bytesRead).toBe(512 * PAGE);
    expect(source.reads.length).toBeLessThanOrEqual(4);
  });

  it('that lie apart are read at the same time, but not all of them', async () => {
    await using rig = await createRig({ frames: 1024, attach: { batch: 1024 } });
    const source = new PageNumbers(64 * 256);
    expect(await summed(rig, source, 64, 256 * PAGE)).toBe((256 * 64 * 63) / 2);
    expect(source.reads).toHaveLength(64);
    expect(source.most).toBeGreaterThan(1);
    expect(source.most).toBeLessThanOrEqual(8);
  });

  it('read further ahead the longer a program goes on in order', async () => {
    await using rig = await createRig({ frames: 1024 });
    const source = new PageNumbers(512);
    const { address } = rig.space.map({ bytes: source.size, source });
    for (let page = 0; page < 512; page++) await rig.mirror.read(address + page * PAGE, 4);
    expect(source.reads.map(([, bytes]) => bytes / PAGE)).toEqual([16, 32, 64, 128, 256, 16]);
  });

  it('do not fail because their neighbours cannot be read', async () => {
    await using rig = await createRig();
    const source = new PageNumbers(64);
    source.bad = 5;
    const { address } = rig.space.map({ bytes: source.size, source });
    expect((await rig.mirror.read(address + 3 * PAGE, 4))[0]).toBe(3);
    await expectCode(rig.mirror.read(address + 5 * PAGE, 4), 'IO');
    source.bad = -1;
    expect((await rig.mirror.read(address + 5 * PAGE, 4))[0]).toBe(5);
  });

  it('copy a private page that is written at once', async () => {
    await using rig = await createRig();
    const source = new PageNumbers(64);
    const { address } = rig.space.map({ bytes: source.size, source });
    await rig.mirror.write(address + 7 * PAGE + 4, Uint8Array.of(9));
    expect([...(await rig.space.read(address + 7 * PAGE, 5))]).toEqual([7, 0, 0, 0, 9]);
  });
});

describe('a storm of faults on a source larger than the budget', () => {
  it.each([
    { budget: 64, frames: 32 },
    { budget: 16, frames: 32 },
    { budget: 64, frames: 8 },
  ])('keeps to it, within a read, and ends: %o pages', async ({ budget, frames }) => {
    const host = managedMemory();
    await using rig = await createRig({
      frames,
      space: { host, reclaim: { budget: budget * PAGE } },
      attach: { batch: 1024 },
    });
    const source = new PageNumbers(1536);
    let most = 0;
    const watched: ByteSource = {
      size: source.size,
      read: (offset, into) => {
        most = Math.max(most, host.used);
        return source.read(offset, into);
      },
    };
    expect(await summed(rig, watched, 384, 4 * PAGE)).toBe((4 * 384 * 383) / 2);
    // The page of results, and a read for which nothing could leave.
    expect(most).toBeLessThanOrEqual(budget + budget / 8 + 8);
    expect(host.used).toBeLessThanOrEqual(budget + budget / 8 + 8);
  });
});

it('a CPU that reads at the same time finds the same pages', async () => {
  await using rig = await createRig({ frames: 256, space: { reclaim: { budget: 128 * PAGE } } });
  const source = new PageNumbers(512);
  const { address } = rig.space.map({ bytes: source.size, source, share: 'shared', access: 'read' });
  const out = rig.space.map({ bytes: PAGE });
  const fence = rig.mirror.launch(sum, { args: [address, out.address, PAGE], grid: [512] });
  for (let page = 0; page < 512; page += 7)
    expect(new DataView((await rig.space.read(address + page * PAGE, 4)).buffer).getUint32(0, true)).toBe(page);
  await fence.wait();
  expect(new DataView((await rig.space.read(out.address, 4)).buffer).getUint32(0, true)).toBe((512 * 511) / 2);
});

it('many reads of the CPU at once wait for room one after the other', async () => {
  const host = managedMemory();
  await using space = await createSpace({ host, reclaim: { budget: 64 * PAGE } });
  const source = new PageNumbers(1024);
  let most = 0;
  const watched: ByteSource = {
    size: source.size,
    read(offset, into) {
      most = Math.max(most, host.used);
      return source.read(offset, into);
    },
  };
  const { address } = space.map({ bytes: source.size, source: watched });
  const results = await Promise.all(
    Array.from({ length: 256 }, (_, i) => space.read(address + 4 * i * PAGE, PAGE).then((bytes) => bytes[0])),
  );
  expect(results).toEqual(Array.from({ length: 256 }, (_, i) => (4 * i) % 256));
  // Beyond the budget: what is being read for one of them, an eighth of it, and what the next one has by then.
  expect(most).toBeLessThanOrEqual(80);
});

it('reads of the CPU for which nothing can leave go beyond the budget one at a time', async () => {
  await using space = await createSpace({ reclaim: { budget: 16 * PAGE } });
  const kept = space.map({ bytes: 16 * PAGE });
  await space.write(kept.address, pattern(16 * PAGE));
  using _held = await space.acquire(kept.address, 16 * PAGE, 'read');
  const source = new PageNumbers(256);
  const { address } = space.map({ bytes: source.size, source });
  const results = await Promise.all(
    Array.from({ length: 64 }, (_, i) => space.read(address + 4 * i * PAGE, PAGE).then((bytes) => bytes[0])),
  );
  expect(results).toEqual(Array.from({ length: 64 }, (_, i) => 4 * i));
  expect(source.most).toBe(1);
});

it('neighbours that were written are written back in one write', async () => {
  const writes: [number, number][] = [];
  const bytes = new Uint8Array(64 * PAGE);
  await using space = await createSpace({ reclaim: { budget: 32 * PAGE } });
  const source: ByteSource = {
    size: bytes.length,
    read: (offset, into) => into.set(bytes.subarray(offset, offset + into.length)),
    write: (offset, from) => {
      writes.push([offset, from.length]);
      bytes.set(from, offset);
    },
  };
  const { address } = space.map({ bytes: bytes.length, source, share: 'shared' });
  await space.write(address, pattern(8 * PAGE));
  await space.write(address + 16 * PAGE, pattern(8 * PAGE));
  expect(await space.sync(address, 64 * PAGE)).toBe(16);
  expect(writes).toEqual([
    [0, 8 * PAGE],
    [16 * PAGE, 8 * PAGE],
  ]);
  writes.length = 0;
  for (let page = 0; page < 64; page += 8) await space.write(address + page * PAGE, pattern(8 * PAGE, page));
  await space.sync(address, 64 * PAGE);
  for (let page = 0; page < 64; page += 8)
    expectBytes(bytes.subarray(page * PAGE, (page + 8) * PAGE), pattern(8 * PAGE, page));
  // Reclaim wrote some of them, as groups.
  expect(writes.length).toBeLessThan(32);
});

it.each([2, 64, 512])('a CPU that holds more of a source than a budget of %i pages gets it', async (budget) => {
  await using rig = await createRig({ space: { reclaim: { budget: budget * PAGE }, timeoutMs: 5000 } });
  const source = new PageNumbers(1024);
  const { address } = rig.space.map({ bytes: source.size, source });
  // In host memory, and not where the hold begins.
  await rig.space.read(address + 2 * PAGE, PAGE);
  {
    using held = await rig.space.acquire(address, budget === 2 ? 8 * PAGE : source.size, 'read');
    const words = held.as(Uint32Array);
    for (let at = 0; at < words.length; at += PAGE / 4) expect(words[at]).toBe(at / (PAGE / 4));
  }
  const brought = await rig.mirror.prefetch(address, 32 * PAGE);
  if (budget > 32) expect(brought).toBe(32);
});
