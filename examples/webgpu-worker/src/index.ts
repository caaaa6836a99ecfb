import { Worker } from 'node:worker_threads';
import { DeviceClient } from './client.js';

const worker = new Worker(new URL('./worker-node.js', import.meta.url));
const exited = new Promise<number>((resolve) => void worker.once('exit', resolve));
const device = new DeviceClient({
  send: (message, transfer) => worker.postMessage(message, transfer),
  listen: (heard) => void worker.on('message', heard as (message: unknown) => void),
});

// 8 MiB on a device of 2.
const count = 2 * 2 ** 20;
await device.load(Float32Array.from({ length: count }, (_, i) => i));
let ticks = 0;
const ticking = setInterval(() => void ticks++, 10);
await device.scale(3);
clearInterval(ticking);
const some = await device.read(count - 1000, 1000);
if (!some.every((value, i) => value === 3 * (count - 1000 + i))) throw new Error('not scaled');

// Work is in flight when the stop comes.
const left = device.scale(2).then(
  () => 'done',
  (error: { code?: string }) => error.code,
);
const bytesHeld = await device.stop();
const [ending, code] = await Promise.all([left, exited]);
if (bytesHeld !== 0 || code !== 0) throw new Error(`${bytesHeld} bytes are left, exit code ${code}`);
console.log(`8 MiB scaled by a device of 2 MiB in a worker; meanwhile the main thread ticked ${ticks} times`);
console.log(`stopped: what was in flight ended with ${ending}, nothing is held`);
