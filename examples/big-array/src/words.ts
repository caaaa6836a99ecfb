import type { Region } from '@mirrorspace/core';

/** Bytes that the CPU holds at once. */
const PART = 16 * 2 ** 20;

/** The word at an index before the update: below 2^16, so that a unit's sum is below 2^32. */
function wordAt(index: number): number {
  return Math.imul(index + 1, 0x9e3779b1) >>> 16;
}

/** Writes the array, and returns its sum. */
export async function fill(array: Region): Promise<number> {
  let sum = 0;
  for (let offset = 0; offset < array.bytes; offset += PART) {
    using held = await array.acquire('write', { offset, bytes: Math.min(PART, array.bytes - offset) });
    const words = held.as(Uint32Array);
    for (let i = 0; i < words.length; i++) sum += words[i] = wordAt(offset / 4 + i);
  }
  return sum;
}

/** How many words are not what the update makes of the array. */
export async function countWrong(array: Region): Promise<number> {
  let wrong = 0;
  for (let offset = 0; offset < array.bytes; offset += PART) {
    using held = await array.acquire('read', { offset, bytes: Math.min(PART, array.bytes - offset) });
    const words = held.as(Uint32Array);
    for (let i = 0; i < words.length; i++) if (words[i] !== 3 * wordAt(offset / 4 + i) + 1) wrong++;
  }
  return wrong;
}
