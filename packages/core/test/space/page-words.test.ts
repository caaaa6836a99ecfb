import { createSpace, type HostMemory, managedMemory } from '@mirrorspace/core';
import { expect, it } from 'vitest';
import { PageWords } from '../../src/space/page-words.js';
import { PAGE, pattern } from './helpers.js';

const MIX = 0x85ebca6b;
const PAGES = 16;

/** What the first lane of the hash is after one word. */
const lane = (state: number, word: number) => Math.imul(((state << 13) | (state >>> 19)) ^ word, MIX);

/** Two pages that differ and have the same hash: the second difference undoes the first. */
function colliding(): [Uint8Array, Uint8Array] {
  const one = new Uint32Array(PAGE / 4).map((_, i) => i + 1);
  const two = one.slice();
  two[0] = 77;
  const rotated = (word: number) => {
    const state = lane(0, word);
    return (state << 13) | (state >>> 19);
  };
  two[4] = rotated(one[0]!) ^ rotated(77) ^ one[4]!;
  return [new Uint8Array(one.buffer), new Uint8Array(two.buffer)];
}

/** Host memory that begins at an odd byte, where no array of words can lie. */
function oddMemory(): HostMemory {
  const inner = managedMemory();
  const bytes = new Uint8Array(PAGES * PAGE + 1).subarray(1);
  const offsetOf = (frame: number) => frame * PAGE;
  const changes: Partial<HostMemory> = {
    offsetOf,
    bufferOf: () => bytes,
    view: (first, count) => bytes.subarray(offsetOf(first), offsetOf(first + count)),
    zero: (frame) => void bytes.fill(0, offsetOf(frame), offsetOf(frame + 1)),
    commit: () => undefined,
  };
  return new Proxy(inner, {
    get(target, name) {
      const value: unknown = Reflect.get(changes, name) ?? Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

it('pages with the same hash are not merged unless their bytes are the same', async () => {
  const host = managedMemory();
  const space = await createSpace({ host });
  const { address } = space.map({ bytes: 3 * PAGE });
  await space.advise(address, 3 * PAGE, { mergeable: true });
  const [one, two] = colliding();
  for (const [page, bytes] of [one, two, one].entries()) await space.write(address + page * PAGE, bytes);
  const words = new PageWords(host);
  const hashes = [0, 1, 2].map((frame) => {
    words.hash(frame);
    return `${words.low} ${words.high}`;
  });
  expect(new Set(hashes).size).toBe(1);
  expect([words.equal(0, 1), words.equal(0, 2)]).toEqual([false, true]);
  await space.merge();
  for (const [page, bytes] of [one, two, one].entries())
    expect(await space.read(address + page * PAGE, PAGE)).toEqual(bytes);
  await space.close();
});

it('a word anywhere in a page changes its hash', () => {
  const host = managedMemory();
  const page = host.allocate(1);
  const bytes = host.bufferOf(page);
  const words = new PageWords(host);
  expect(words.hash(page)).toBe(false);
  const seen = new Set([`${words.low} ${words.high}`]);
  for (let i = 0; i < PAGE; i++) {
    bytes[host.offsetOf(page) + i] = 0x80;
    expect(words.hash(page)).toBe(true);
    seen.add(`${words.low} ${words.high}`);
    bytes[host.offsetOf(page) + i] = 0;
  }
  expect(seen.size).toBe(PAGE + 1);
});

it('merges in memory where pages begin at odd bytes', async () => {
  const host = oddMemory();
  const space = await createSpace({ host });
  const { address } = space.map({ bytes: 4 * PAGE });
  await space.advise(address, 4 * PAGE, { mergeable: true });
  for (const [page, seed] of [1, 2, 1, 2].entries()) await space.write(address + page * PAGE, pattern(PAGE, seed));
  expect(await space.merge()).toMatchObject({ scanned: 4, merged: 2 });
  await space.write(address, Uint8Array.of(9));
  expect(await space.read(address + 2 * PAGE, PAGE)).toEqual(pattern(PAGE, 1));
  await space.close();
});
