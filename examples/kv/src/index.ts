import { createSpace } from '@mirrorspace/core';
import { webgpu } from '@mirrorspace/webgpu';
import { readFileSync } from 'node:fs';
import wordListPath from 'word-list';
import { bucketOf, build, plan } from './build.js';
import { ask, choose } from './queries.js';

const PAGE = 4096;
const words = readFileSync(wordListPath, 'utf8').trimEnd().split('\n');
const planned = plan(words);

// A quarter of the table.
const device = await webgpu.open({ memory: Math.floor(planned.bytes / 4 / PAGE) * PAGE });
const space = await createSpace({ addressBits: device.limits.addressBits });
const mirror = await space.attach(device);
const table = await build(space, planned);
console.log(
  `${words.length} words in ${planned.mask + 1} chains: ${show(table.bytes)}; device memory: ${show(device.limits.memory)}`,
);

const numbers = new Map(words.map((word, i) => [word, i + 1]));
let wrong = 0;
const batch = choose(words, 32_768);
const buckets = new Map(batch.map((word) => [word, bucketOf(word, planned.mask)]));
await look(batch.slice(0, 512), 'in any order');
await look(
  [...batch].sort((a, b) => buckets.get(a)! - buckets.get(b)!),
  'in the order of their buckets',
);
await space.close();
await device.close();
if (wrong > 0) throw new Error(`${wrong} answers are wrong`);

async function look(asked: readonly string[], how: string): Promise<void> {
  const before = mirror.stats.pagesIn;
  const start = performance.now();
  const found = await ask(space, mirror, table, asked);
  const time = (performance.now() - start).toFixed(0);
  asked.forEach((word, i) => (wrong += found[i] === (numbers.get(word) ?? 0) ? 0 : 1));
  const present = found.filter((number) => number > 0).length;
  const pages = mirror.stats.pagesIn - before;
  console.log(
    `${asked.length} words ${how}: ${present} found, ${asked.length - present} not there; ${time} ms, ${pages} pages brought`,
  );
}

function show(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
