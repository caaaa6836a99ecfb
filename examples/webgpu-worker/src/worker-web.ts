/** A Web Worker: `new Worker(new URL('./worker-web.js', import.meta.url), { type: 'module' })`. */
import { serveDevice } from './device-worker.js';

await serveDevice(
  {
    send: (message, transfer) => postMessage(message, { transfer }),
    listen: (heard) => addEventListener('message', ({ data }) => heard(data as never)),
  },
  { memory: '2 MiB' },
);
close();
