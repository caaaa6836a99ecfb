import { createSpace, managedMemory } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { createRig, layout, PAGE, pattern, TestSource } from './helpers.js';

const BASE = 0x4000_0000;

/** A mapping `[start, end)` in pages, of object `a` or `b` from page `offset` of it. */
type Mapping = readonly [object: 'a' | 'b', start: number, end: number, offset: number];

interface Case {
  readonly name: string;
  readonly old: Mapping;
  readonly request: Mapping;
  /** What the space holds afterwards. */
  readonly result: readonly Mapping[];
}

/**
 * The 15 ways in which the kernel's GPU VA manager says that a request meets an existing mapping
 * (drivers/gpu/drm/drm_gpuvm.c, "Split and Merge"); n = 1, m = 5.
 */
const cases: readonly Case[] = [
  { name: '1 identical', old: ['a', 0, 1, 1], request: ['a', 0, 1, 1], result: [['a', 0, 1, 1]] },
  { name: '2 identical but for the offset', old: ['a', 0, 1, 1], request: ['a', 0, 1, 5], result: [['a', 0, 1, 5]] },
  { name: '3 identical but for the object', old: ['a', 0, 1, 1], request: ['b', 0, 1, 1], result: [['b', 0, 1, 1]] },
  {
    name: '4 old is the left part of the request',
    old: ['a', 0, 1, 1],
    request: ['a', 0, 2, 1],
    result: [['a', 0, 2, 1]],
  },
  {
    name: '5 request is the left part of old, other object',
    old: ['a', 0, 2, 1],
    request: ['b', 0, 1, 1],
    result: [
      ['b', 0, 1, 1],
      ['a', 1, 2, 2],
    ],
  },
  {
    name: '6 request is the left part of old, same contents',
    old: ['a', 0, 2, 1],
    request: ['a', 0, 1, 1],
    result: [
      ['a', 0, 1, 1],
      ['a', 1, 2, 2],
    ],
  },
  {
    name: '7 request is the right part of old, other object',
    old: ['a', 0, 2, 1],
    request: ['b', 1, 2, 5],
    result: [
      ['a', 0, 1, 1],
      ['b', 1, 2, 5],
    ],
  },
  {
    name: '8 request is the right part of old, same contents',
    old: ['a', 0, 2, 1],
    request: ['a', 1, 2, 2],
    result: [
      ['a', 0, 1, 1],
      ['a', 1, 2, 2],
    ],
  },
  {
    name: '9 request overlaps the end of old, other object',
    old: ['a', 0, 2, 1],
    request: ['b', 1, 3, 5],
    result: [
      ['a', 0, 1, 1],
      ['b', 1, 3, 5],
    ],
  },
  {
    name: '10 request continues old, same object',
    old: ['a', 0, 2, 1],
    request: ['a', 1, 3, 2],
    result: [
      ['a', 0, 1, 1],
      ['a', 1, 3, 2],
    ],
  },
  {
    name: '11 request is the middle of old, other object',
    old: ['a', 0, 3, 1],
    request: ['b', 1, 2, 5],
    result: [
      ['a', 0, 1, 1],
      ['b', 1, 2, 5],
      ['a', 2, 3, 3],
    ],
  },
  {
    name: '12 request is the middle of old, same contents',
    old: ['a', 0, 3, 1],
    request: ['a', 1, 2, 2],
    result: [
      ['a', 0, 1, 1],
      ['a', 1, 2, 2],
      ['a', 2, 3, 3],
    ],
  },
  {
    name: '13 old is the right part of the request',
    old: ['a', 1, 2, 2],
    request: ['a', 0, 2, 1],
    result: [['a', 0, 2, 1]],
  },
  {
    name: '14 old is the middle of the request',
    old: ['a', 1, 2, 2],
    request: ['a', 0, 3, 1],
    result: [['a', 0, 3, 1]],
  },
  {
    name: '15 request overlaps the beginning of old, other object',
    old: ['a', 1, 3, 1],
    request: ['b', 0, 2, 5],
    result: [
      ['b', 0, 2, 5],
      ['a', 2, 3, 2],
    ],
  },
];

const content = { a: pattern(8 * PAGE, 1), b: pattern(8 * PAGE, 2) };

function expected(result: readonly Mapping[]): Uint8Array {
  const bytes = new Uint8Array(3 * PAGE);
  for (const [object, start, end, offset] of result) {
    bytes.set(content[object].subarray(offset * PAGE, (offset + end - start) * PAGE), start * PAGE);
  }
  return bytes;
}

describe('mapping over a mapping, after drm_gpuvm', () => {
  it('has the 15 documented cases', () => expect(cases).toHaveLength(15));

  for (const share of ['private', 'shared'] as const) {
    it.each(cases)(`$name, ${share}`, async ({ old, request, result }) => {
      await using rig = await createRig();
      const { space, mirror } = rig;
      const sources = { a: new TestSource(content.a.slice()), b: new TestSource(content.b.slice()) };
      const map = ([object, start, end, offset]: Mapping) =>
        space.map({
          bytes: (end - start) * PAGE,
          address: BASE + start * PAGE,
          fixed: true,
          source: sources[object],
          offset: offset * PAGE,
          share,
          name: object,
        });
      const { address, bytes } = map(old);
      // The device has the old contents and must not keep them.
      await mirror.read(address, bytes);
      map(request);
      expect(layout(space, BASE)).toEqual(result.map(([object, start, end]) => [start, end, object]));
      const want = expected(result);
      for (const [, start, end] of result) {
        const from = BASE + start * PAGE;
        const size = (end - start) * PAGE;
        const slice = want.subarray(start * PAGE, end * PAGE);
        expect(await space.read(from, size)).toEqual(slice);
        expect(await mirror.read(from, size)).toEqual(slice);
      }
      expect([...sources.a.writes, ...sources.b.writes]).toEqual([]);
    });
  }

  it.each(cases)('keeps private changes outside the request: $name', async ({ old, request }) => {
    const host = managedMemory();
    await using rig = await createRig({ space: { host } });
    const { space } = rig;
    const from = BASE + old[1] * PAGE;
    const size = (old[2] - old[1]) * PAGE;
    space.map({ bytes: size, address: from, fixed: true });
    await space.write(from, pattern(size, 9));
    space.map({ bytes: (request[2] - request[1]) * PAGE, address: BASE + request[1] * PAGE, fixed: true });
    for (let page = old[1]; page < old[2]; page++) {
      const at = BASE + page * PAGE;
      const replaced = page >= request[1] && page < request[2];
      const want = replaced ? new Uint8Array(PAGE) : pattern(size, 9).subarray(at - from, at - from + PAGE);
      expect(await space.read(at, PAGE)).toEqual(want);
    }
    expect(host.used).toBe(old[2] - old[1] - Math.max(0, Math.min(old[2], request[2]) - Math.max(old[1], request[1])));
  });

  it('replaces many mappings and cuts the two at the ends by one request', async () => {
    await using space = await createSpace();
    const regions = [0, 2, 4, 6].map((page) =>
      space.map({ bytes: 2 * PAGE, address: BASE + page * PAGE, fixed: true, name: `old${page}` }),
    );
    space.map({ bytes: 6 * PAGE, address: BASE + PAGE, fixed: true, name: 'new' });
    expect(layout(space, BASE)).toEqual([
      [0, 1, 'old0'],
      [1, 7, 'new'],
      [7, 8, 'old6'],
    ]);
    expect(regions.map((region) => region.closed)).toEqual([false, true, true, false]);
  });
});
