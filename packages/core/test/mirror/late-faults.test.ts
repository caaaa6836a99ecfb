import {
  createSpace,
  type EvictionPolicy,
  FRAME_BLOCKED,
  type JsProgram,
  LruEviction,
  type PrefetchPolicy,
} from '@mirrorspace/core';
import { expect, it } from 'vitest';
import { openDevice, PAGE } from '../space/helpers.js';

/** Each unit from some on stores its number in a page of its own. */
const store: JsProgram = {
  language: 'js',
  run: (ctx, { x }, [address, first]) => {
    if (x < Number(first)) return undefined;
    const at = Number(address) + x * PAGE;
    if (!ctx.probe(at, 'write')) return 'retry';
    ctx.store32(at, x + 1);
    return undefined;
  },
};

/** Brings the page behind the last one that faults. */
const behind: PrefetchPolicy = {
  name: 'behind',
  plan: (request, out) => {
    const next = request.faults[request.count - 1]! + 1;
    if (request.room === 0 || next === request.regionEnd || request.resident(next)) return 0;
    out[0] = next;
    return 1;
  },
};

it('the page of a fault that is late is given up as the policy wants it', async () => {
  /** How many frames were blocked when victims were chosen. */
  const blocked: number[] = [];
  class Counting extends LruEviction {
    override victims(out: Uint32Array, count: number, flags: Uint8Array): number {
      blocked.push(flags.reduce((sum, bits) => sum + Number((bits & FRAME_BLOCKED) !== 0), 0));
      return super.victims(out, count, flags);
    }
  }
  const eviction = (capacity: number): EvictionPolicy => new Counting(capacity);
  const device = await openDevice(3, {
    residentUnits: 2,
    features: ['queues', 'replayable-faults', 'read-only-maps', 'dirty-bits', 'program:js'],
    latency: { unitUs: 1, copyBytesPerUs: 100 },
  });
  const space = await createSpace();
  const mirror = await space.attach(device, { batch: 2, eviction, prefetch: () => behind });
  const { address } = space.map({ bytes: 4 * PAGE });
  await space.write(address, new Uint8Array(4 * PAGE).fill(9));
  // Units 0 and 1 of the first fault, and their batch brings, unasked, page 2. While the copies are under way units 2 and 3 of the other fault: that on 2 is late, and page 3 needs room.
  const fences = [0, 2].map((first, queue) =>
    mirror.launch(store, { args: [address, first], grid: [first + 2], queue }),
  );
  await Promise.all(fences.map((fence) => fence.wait()));
  for (let unit = 0; unit < 4; unit++)
    expect(Array.from(await space.read(address + unit * PAGE, 5))).toEqual([unit + 1, 0, 0, 0, 9]);
  expect(blocked).toEqual([0]);
  await space.close();
  await device.close();
  expect(device.violations).toEqual([]);
});
