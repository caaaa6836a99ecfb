import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = fileURLToPath(new URL('fixtures/fuzz.mjs', import.meta.url));
const CALLS = Number(process.env['MIRRORSPACE_RUNS'] ?? 15_000);

it('takes any arguments without a crash or a hang', { timeout: 120_000 }, () => {
  const seed = Number(process.env['MIRRORSPACE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const folder = mkdtempSync(join(tmpdir(), 'mirrorspace-fuzz-'));
  try {
    const child = spawnSync(process.execPath, ['--expose-gc', script, String(seed), String(CALLS)], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 100_000,
      killSignal: 'SIGKILL',
    });
    const last = readFileSync(join(folder, 'last-call'), 'utf8').trim();
    const how = `MIRRORSPACE_SEED=${seed}, last call ${last}\n${child.stderr}`;
    expect({ status: child.status, signal: child.signal }, how).toEqual({ status: 0, signal: null });
    const taken = Number(child.stdout.split(' ')[0]);
    // So many of them were well-formed.
    expect(taken).toBeGreaterThan(CALLS / 10);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
