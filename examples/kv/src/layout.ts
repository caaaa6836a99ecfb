import { structs } from '@mirrorspace/webgpu/structs';

/** The longest word, in 32-bit words of its text. */
export const TEXT_WORDS = 8;

/**
 * The table as it lies in memory. `buckets` goes on behind the struct, one for each value of `mask`; each points to the first entry
 * of a chain. An entry has as much of `text` as its word needs; what is left of the last 32 bits is 0.
 */
export const types = structs(`
  struct Table { mask: u32, buckets: array<address, 1> }
  struct Entry { next: address, value: u32, length: u32, text: array<u32, ${TEXT_WORDS}> }
  struct Query { length: u32, text: array<u32, ${TEXT_WORDS}> }
`);

const encoder = new TextEncoder();

/** Writes a word's text at `at` of `words` and returns its length in bytes. */
export function writeText(words: Uint32Array, at: number, word: string): number {
  return encoder.encodeInto(word, new Uint8Array(words.buffer, words.byteOffset + at * 4)).written;
}

/** 32-bit words that a text of so many bytes takes. */
export function textWords(length: number): number {
  return Math.ceil(length / 4);
}

/** Hashes the text at `at` (FNV-1a over 32-bit words), as `hash_of` does on the GPU. */
export function hashOf(words: Uint32Array, at: number, length: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < textWords(length); i++) hash = Math.imul(hash ^ words[at + i]!, 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
