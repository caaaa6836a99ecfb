import { type MessagePort, parentPort } from 'node:worker_threads';
import type { Shape } from '../layout.js';
import { Shared } from '../shared.js';
import { Engine } from './engine.js';
import { Unit, type UnitJob } from './unit.js';

/** What a thread is to be until the device is closed. Without `unit`: the engine. */
export interface Job {
  readonly shape: Shape;
  readonly control: WebAssembly.Memory;
  readonly frames: WebAssembly.Memory;
  /** Brings what shared memory cannot hold: buffers of the host to the engine, programs to a unit. */
  readonly port: MessagePort;
  readonly unit?: UnitJob;
}

/** What a thread says: that there is news, or that it left the device and may serve another. */
export type Word = 'news' | 'left';

/** Serves one device after another, for as long as the thread lives. @throws TypeError outside of a worker thread */
export function serve(): void {
  const port = parentPort;
  if (port === null) throw new TypeError('only a worker thread serves devices');
  const tell = () => port.postMessage('news' satisfies Word);
  port.on('message', ({ shape, control, frames, port: things, unit }: Job) => {
    const shared = new Shared(shape, control, frames);
    const news = () => {
      if (shared.tell()) tell();
    };
    if (unit === undefined) new Engine(shared, things, news).run();
    else new Unit(shared, unit, things, news).run();
    things.close();
    port.postMessage('left' satisfies Word);
  });
}
