import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const LIMIT_MS = 60_000;

/** A process, or a thread of one, with a device in a state. */
const DEVICE = `
  const { native } = await import('@mirrorspace/native');
  const device = await native.open({ memory: 65536, units: 2 });
  const mmu = await device.createMmu({ addressBits: 47 });
  const launch = (body) => device.queues[1].submit([{ kind: 'launch', mmu: mmu.id, grid: [2, 1, 1], args: [], program: {
    language: 'wasm', code: \`(module (import "mirrorspace" "load_u32" (func $load (param i64) (result i32)))
      (func (export "run") (param i32 i32 i32) \${body}))\` } }]).wait().catch(() => undefined);
  const until = async (condition) => { while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1)); };
`;
const STATES = {
  idle: '',
  closed: 'await device.close();',
  stalled: `launch('(drop (call $load (i64.const 0)))'); await until(() => device.faults.stalled === 2);`,
  endless: `launch('(loop $on (br $on))'); await new Promise((resolve) => setTimeout(resolve, 100));`,
};

/** Runs a script; resolves to its exit code, or fails if it does not end in time. */
function run(script: string): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: PACKAGE, stdio: 'ignore' });
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error('the process did not end'));
    }, LIMIT_MS);
    child.on('exit', (code) => {
      clearTimeout(timer);
      resolve(code);
    });
  });
}

describe.each(Object.entries(STATES))('with a device that is %s', (_name, state) => {
  it('a process exits', { timeout: 2 * LIMIT_MS }, async () => {
    expect(await run(`${DEVICE} ${state} process.exit(3);`)).toBe(3);
  });

  it('a process ends by an exception that nobody catches', { timeout: 2 * LIMIT_MS }, async () => {
    expect(await run(`${DEVICE} ${state} throw new Error('on purpose');`)).toBe(1);
  });

  it('a thread is terminated', { timeout: 2 * LIMIT_MS }, async () => {
    const inner = `${DEVICE} ${state} (await import('node:worker_threads')).parentPort.postMessage('there');`;
    const script = `
      import { Worker } from 'node:worker_threads';
      const worker = new Worker(${JSON.stringify(`(async () => { ${inner} })()`)}, { eval: true });
      await new Promise((resolve) => worker.once('message', resolve));
      await worker.terminate();
      process.exitCode = 4;`;
    expect(await run(script)).toBe(4);
  });
});

describe('a device that nobody uses', () => {
  it('does not keep a process alive', { timeout: 2 * LIMIT_MS }, async () => {
    expect(await run(`${DEVICE} process.exitCode = 5;`)).toBe(5);
  });
});
