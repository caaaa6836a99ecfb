import { type AddressSpace, createSpace, type HostMemory, managedMemory, type MergeResult } from '@mirrorspace/core';
import { PAGE } from './helpers.js';

export const MOST_SHARERS = 256;

/** Two spaces on one host memory, each with a mergeable region of `pages` pages. */
export async function two(pages: number, host: HostMemory = managedMemory()) {
  const [a, b] = [await createSpace({ host }), await createSpace({ host })];
  const at = await mergeable(a, pages);
  const from = await mergeable(b, pages);
  return { host, a, b, at, from };
}

export async function mergeable(space: AddressSpace, pages: number): Promise<number> {
  const { address } = space.map({ bytes: pages * PAGE });
  await space.advise(address, pages * PAGE, { mergeable: true });
  return address;
}

/** `count` pages, each filled with its number, counted from `first`. */
export function numbered(first: number, count: number): Uint8Array {
  const bytes = new Uint8Array(count * PAGE);
  for (let i = 0; i < count; i++) bytes.fill(first + i, i * PAGE, (i + 1) * PAGE);
  return bytes;
}

/** `count` pages, no two of them equal. */
export function distinct(count: number): Uint8Array {
  const bytes = new Uint8Array(count * PAGE);
  new Uint32Array(bytes.buffer).forEach((_, i, all) => (all[i] = (i >> 10) + 1));
  return bytes;
}

export const result = (scanned: number, merged: number, refused: number, pages: number): MergeResult => ({
  scanned,
  merged,
  refused,
  bytesSaved: pages * PAGE,
});
