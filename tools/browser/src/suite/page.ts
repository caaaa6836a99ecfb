// Bundled for the browser: the suite in a page, or in a worker of it.
import { type RunnerMessage, runForGuard } from '@mirrorspace/conformance';
import { webgpu } from '@mirrorspace/webgpu';
import type { SuiteJob } from './job.js';

declare global {
  /** Tells the guard; the test defines it. */
  function tellGuard(message: RunnerMessage): void;
  /** Starts the suite and does not wait for it. */
  function startSuite(job: SuiteJob): void;
}

globalThis.startSuite = ({ where, addresses }) => {
  if (where === 'page') {
    void runForGuard({ backend: webgpu, addresses }, tellGuard);
    return;
  }
  const worker = new Worker('/worker.js', { type: 'module' });
  worker.onmessage = ({ data }: MessageEvent<RunnerMessage>) => tellGuard(data);
  worker.onerror = ({ message }) => tellGuard({ kind: 'gone', reason: message });
  worker.postMessage({ where, addresses });
};
