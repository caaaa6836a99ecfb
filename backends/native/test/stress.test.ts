import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = fileURLToPath(new URL('fixtures/stress.mjs', import.meta.url));

it.each(['async', 'sync'])('loses no write to pages that come and go (%s tracking)', { timeout: 240_000 }, (mode) => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [script, mode, '2000000'], {
    encoding: 'utf8',
    timeout: 200_000,
    killSignal: 'SIGKILL',
  });
  expect({ status, stdout: stdout.trim() }, stderr).toEqual({
    status: 0,
    stdout: JSON.stringify({ lost: 0, stale: -1, handed: true, withheld: true }),
  });
});
