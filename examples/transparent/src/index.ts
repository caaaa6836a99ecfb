import { addon } from '@mirrorspace/native';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Reply, Request } from './messages.js';

// Also here, so that a thread that waits for a page is let go when the process ends.
addon();

const worker = new Worker(new URL('./device-worker.js', import.meta.url));
const exited = once(worker, 'exit');
async function hear<Kind extends Reply['kind']>(kind: Kind): Promise<Extract<Reply, { kind: Kind }>> {
  const [reply] = (await once(worker, 'message')) as [Reply];
  if (reply.kind !== kind) throw new Error(`the worker said ${reply.kind} instead of ${kind}`);
  return reply as Extract<Reply, { kind: Kind }>;
}
const ask = (request: Request) => worker.postMessage(request);

const { buffer, device } = await hear('memory');
const numbers = new Float32Array(buffer);
for (let i = 0; i < numbers.length; i++) numbers[i] = i % 1000;

ask({ kind: 'square' });
const { owned } = await hear('squared');

// The pages are on the device. Each plain load of one waits here until the worker has brought it home.
const start = performance.now();
let sum = 0;
for (let i = 0; i < numbers.length; i++) sum += numbers[i]!;
const ms = performance.now() - start;
numbers[0] = 7;

ask({ kind: 'square' });
await hear('squared');
const first = numbers[0];

ask({ kind: 'stop' });
const { broughtHome } = await hear('stopped');
const [code] = (await exited) as [number];

let expected = 0;
for (let i = 0; i < numbers.length; i++) expected += (i % 1000) ** 2;
if (sum !== expected || first !== 49 || owned === 0 || code !== 0)
  throw new Error(`sum ${sum} of ${expected}, first ${first}, ${owned} pages on the device, exit code ${code}`);
console.log(`${numbers.length} numbers stored plainly and squared by ${device}`);
console.log(`summed by plain loads in ${ms.toFixed(0)} ms, while ${owned} of their pages were on the device only`);
console.log(`${broughtHome} pages came home, each when it was touched or had to make room`);
