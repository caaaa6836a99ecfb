import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('fixtures/endings.mjs', import.meta.url));

interface Ending {
  readonly status: number | null;
  readonly signal: string | null;
  readonly output: string;
}

function end(way: string): Promise<Ending> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--expose-gc', script, way], { timeout: 100_000, killSignal: 'SIGKILL' });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('close', (status, signal) => resolve({ status, signal, output }));
  });
}

// Each in a process of its own; none may hang, and none may end by a signal.
describe('ends cleanly', { timeout: 120_000 }, () => {
  it.concurrent.each([
    ['natural', 0, /^7$/],
    ['exit', 3, /^7$/],
    ['throw', 1, /7\n[^]*uncaught/],
    ['exitWhileWorkerInFault', 4, /^$/],
    ['exitWhileWorkerInUnreadFault', 4, /^$/],
    ['throwWhileWorkerInFault', 1, /uncaught/],
    ['exitWhileWorkerWaits', 4, /^$/],
    ['exitWhileWorkerSleeps', 4, /^$/],
    ['closeWhileWorkerInFault', 0, /^0$/],
    ['unmapWhileWorkerInFault', 0, /^0$/],
    ['terminateWorkerInFault', 0, /^ended$/],
    ['terminateWorkerWithPendingWaits', 0, /^ended$/],
    ['terminateWorkerThatWaits', 0, /^ended$/],
    ['terminateWorkerThatSleeps', 0, /^ended$/],
    ['terminateWorkersInCalls', 0, /^ended$/],
    ['workersComeAndGo', 0, /^ended$/],
    ['onlyWorkersLoad', 0, /^0,,ended$/],
    ['stalledServer', 70, /waited 200 ms for JavaScript/],
    ['noServer', 70, /waited 200 ms for JavaScript/],
    ['spawnWithGigabytes', 0, /^0,hi,7,1$/],
    ['collected', 0, /^ended$/],
    ['openAndClose', 0, /^ended$/],
  ] as const)('%s', async (way, status, output) => {
    const ending = await end(way);
    expect({ ...ending, output: ending.output.trim() }).toEqual({
      status,
      signal: null,
      output: expect.stringMatching(output) as string,
    });
  });
});
