import type { AddressSpace, Mirror, Region } from '@mirrorspace/core';
import { types, writeText } from './layout.js';
import { lookUp } from './program.js';

const query = types.of('Query');

/** Chooses words to look up: about half are in the list, the others have a letter changed. */
export function choose(words: readonly string[], count: number): string[] {
  let state = 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  return Array.from({ length: count }, () => {
    const word = words[random(words.length)]!;
    if (random(2) === 0) return word;
    const at = random(word.length);
    return word.slice(0, at) + String.fromCharCode(97 + random(26)) + word.slice(at + 1);
  });
}

/** Words of a launch: what they need together should fit into the device's memory. */
const BATCH = 2048;

/** Looks words up on the GPU: the value of each, 0 where there is none. */
export async function ask(
  space: AddressSpace,
  mirror: Mirror,
  table: Region,
  words: readonly string[],
): Promise<Uint32Array> {
  const queries = space.map({ bytes: words.length * query.bytes, name: 'queries' });
  const answers = space.map({ bytes: words.length * 4, name: 'answers' });
  {
    using held = await queries.acquire('write');
    const memory = held.as(Uint32Array);
    words.forEach((word, i) => {
      const at = (i * query.bytes) / 4;
      memory[at + query.offsets['length']! / 4] = writeText(memory, at + query.offsets['text']! / 4, word);
    });
  }
  for (let first = 0; first < words.length; first += BATCH) {
    const count = Math.min(BATCH, words.length - first);
    const args = [table.address, queries.address + first * query.bytes, answers.address + first * 4, count];
    await mirror.launch(lookUp, { grid: [Math.ceil(count / 64)], args }).wait();
  }
  const found = new Uint32Array((await space.read(answers.address, answers.bytes)).buffer);
  await space.unmap(queries.address, queries.bytes);
  await space.unmap(answers.address, answers.bytes);
  return found;
}
