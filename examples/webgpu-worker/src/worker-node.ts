/** A worker of `node:worker_threads`. */
import { parentPort } from 'node:worker_threads';
import { serveDevice } from './device-worker.js';

const port = parentPort!;
await serveDevice(
  {
    send: (message, transfer) => port.postMessage(message, transfer),
    listen: (heard) => void port.on('message', heard as (message: unknown) => void),
  },
  { memory: '2 MiB' },
);
port.close();
