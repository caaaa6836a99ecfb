/** The process that `--kill-after` runs cases in. */
import { once } from 'node:events';
import type { Job } from './cli/fork.js';
import { loadBackend, loadHost } from './cli/load.js';
import { type RunnerMessage, runForGuard } from './guard/index.js';

const send = (message: RunnerMessage): void => void process.send?.(message);
const [job] = (await once(process, 'message')) as [Job];
try {
  const { backend, host, ...rest } = job;
  const loaded = { backend: await loadBackend(backend), ...(host !== undefined && { host: await loadHost(host) }) };
  await runForGuard({ ...rest, ...loaded }, send);
} catch (error) {
  send({ kind: 'refused', message: error instanceof Error ? error.message : String(error) });
}
process.disconnect();
