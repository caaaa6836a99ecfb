import { type AddressSpace, memorySwap } from '@mirrorspace/core';
import { TYPICAL_LATENCY } from '@mirrorspace/memory';
import { expect, it } from 'vitest';
import { createRig, expectBytes, PAGE, pattern, TestSource } from '../space/helpers.js';
import { touchPages } from './helpers.js';

const PAGES = 4;
const BYTES = PAGES * PAGE;

/** A swap store that counts how often it gives pages back that have a pattern. */
class CountingSwap {
  readonly size = 64 * PAGE;
  reads = 0;
  private readonly inner = memorySwap(this.size);

  async read(offset: number, into: Uint8Array): Promise<void> {
    await this.inner.read(offset, into);
    if (into[PAGE - 1] !== 0) this.reads++;
  }

  async write(offset: number, from: Uint8Array): Promise<void> {
    await this.inner.write(offset, from);
  }
}

interface Memory {
  readonly address: number;
  /** How often its pages were read from where they are. */
  readonly reads: () => number;
}

/** Memory that has the pattern, none of it in host memory. */
type Make = (space: AddressSpace, swap: CountingSwap) => Promise<Memory>;

const swapped =
  (share: 'shared' | 'private', forks: boolean): Make =>
  async (space, swap) => {
    const { address } = space.map({ bytes: BYTES, share });
    await space.write(address, pattern(BYTES));
    if (forks) await space.fork();
    await space.pageOut(address, BYTES);
    return { address, reads: () => swap.reads };
  };

const inFile: Make = async (space) => {
  const source = new TestSource(pattern(BYTES));
  const { address } = space.map({ bytes: BYTES, source });
  return Promise.resolve({ address, reads: () => source.reads.length });
};

const kinds: [name: string, make: Make][] = [
  ['shared memory', swapped('shared', false)],
  ['private memory', swapped('private', false)],
  ['private memory that a fork has, too', swapped('private', true)],
  ['a private copy of a file', inFile],
];

it.each(kinds.flatMap(([name, make]) => [false, true].map((timed) => [name, timed, make] as const)))(
  'a page that a write of a device waits for is there until it is written, whatever else needs its room: %s, timed: %s',
  async (_name, timed, make) => {
    const swap = new CountingSwap();
    await using rig = await createRig({
      frames: 8,
      device: timed ? { latency: TYPICAL_LATENCY, seed: 1 } : {},
      space: { reclaim: { budget: PAGE, swap }, timeoutMs: 2000 },
      attach: { timeoutMs: 2000 },
    });
    const { space, mirror } = rig;
    // More than the budget already.
    const other = space.map({ bytes: 2 * PAGE });
    using _held = await other.acquire('read');
    const { address, reads } = await make(space, swap);
    const busy = space.map({ bytes: 16 * PAGE }).address;
    let going = true;
    const again = async (work: () => Promise<unknown>) => {
      while (going) await work();
    };
    const beside = [
      again(() => space.pageOut(address, BYTES)),
      again(() => mirror.launch(touchPages, { args: [busy, 4, PAGE], grid: [4], queue: 1 }).wait()),
    ];
    const expected = pattern(BYTES);
    const before = reads();
    const writes = Array.from({ length: PAGES }, (_, page) => {
      expected[page * PAGE + 8] = page;
      return mirror.write(address + page * PAGE + 8, Uint8Array.of(page));
    });
    try {
      await Promise.all(writes);
    } finally {
      going = false;
      await Promise.all(beside);
    }
    // One may have to leave the device again before it is used.
    expect(reads() - before).toBeLessThanOrEqual(PAGES + 1);
    expectBytes(await space.read(address, BYTES), expected);
  },
);
