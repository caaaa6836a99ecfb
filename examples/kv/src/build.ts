import type { AddressSpace, Region } from '@mirrorspace/core';
import { hashOf, TEXT_WORDS, textWords, types, writeText } from './layout.js';

const table = types.of('Table');
const entry = types.of('Entry');
const TEXT_AT = entry.offsets['text']! / 4;

/** Words and their buckets. */
export interface Plan {
  readonly words: readonly string[];
  readonly mask: number;
  /** The bucket of each word. */
  readonly buckets: Uint32Array;
  /** The words, those of one bucket behind the other: what a bucket needs lies close together. */
  readonly order: Uint32Array;
  readonly bytes: number;
}

/** Decides where everything goes: two words a bucket, on average. */
export function plan(words: readonly string[]): Plan {
  if (words.some((word) => word.length > 4 * TEXT_WORDS))
    throw new RangeError(`a word has ${4 * TEXT_WORDS} letters at most`);
  const mask = 2 ** Math.floor(Math.log2(words.length / 2)) - 1;
  const buckets = Uint32Array.from(words, (word) => bucketOf(word, mask));
  const order = Uint32Array.from(words.keys()).sort((a, b) => buckets[a]! - buckets[b]!);
  const entries = words.reduce((sum, word) => sum + TEXT_AT + textWords(word.length), 0);
  return { words, mask, buckets, order, bytes: table.bytes + 4 * mask + 4 * entries };
}

/** The bucket that a word belongs to. */
export function bucketOf(word: string, mask: number): number {
  const text = new Uint32Array(textWords(word.length));
  return hashOf(text, 0, writeText(text, 0, word)) & mask;
}

/** Writes the table into shared memory, with addresses as pointers. */
export async function build(space: AddressSpace, { words, mask, buckets, order, bytes }: Plan): Promise<Region> {
  const region = space.map({ bytes, name: 'table' });
  using held = await region.acquire('write');
  const memory = held.as(Uint32Array);
  const at = (member: string) => entry.offsets[member]! / 4;
  memory[table.offsets['mask']! / 4] = mask;
  const heads = table.offsets['buckets']! / 4;
  let next = heads + mask + 1;
  for (const word of order) {
    const text = words[word]!;
    const head = heads + buckets[word]!;
    memory[next + at('next')] = memory[head]!;
    memory[next + at('value')] = word + 1;
    memory[next + at('length')] = writeText(memory, next + TEXT_AT, text);
    memory[head] = types.pointer(region.address + 4 * next) as number;
    next += TEXT_AT + textWords(text.length);
  }
  return region;
}
