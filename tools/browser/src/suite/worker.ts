// Bundled for the browser: the suite with the device in a worker.
import { runForGuard } from '@mirrorspace/conformance';
import { webgpu } from '@mirrorspace/webgpu';
import type { SuiteJob } from './job.js';

addEventListener('message', ({ data }: MessageEvent<SuiteJob>) => {
  void runForGuard({ backend: webgpu, addresses: data.addresses }, (message) => postMessage(message));
});
