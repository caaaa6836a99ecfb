import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Mechanism, type NativeReport, probe } from '../src/index.js';

const bundle = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const print = `import(${JSON.stringify(bundle)}).then(({ probe }) => console.log(JSON.stringify(probe())))`;
const root = process.getuid?.() === 0;

/** What `probe` reports in a process that `command` starts. */
function probeIn(command: string, args: string[], options: object = {}): NativeReport {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000, ...options });
  try {
    return JSON.parse(stdout) as NativeReport;
  } catch {
    throw new Error(`no report: ${stderr}`);
  }
}

describe('probe', () => {
  it('finds everything on this kernel', () => {
    const report = probe();
    expect(report).toMatchObject({ available: true, tracking: 'async', faultHandlers: ['thread', 'worker'] });
    for (const [name, mechanism] of Object.entries(report.mechanisms!)) {
      if (name === 'kernelFaults' && !root) continue;
      expect([name, mechanism]).toEqual([name, { works: true }]);
    }
  });

  it.runIf(root)('finds all but the faults of the kernel without privileges', () => {
    const report = probeIn(process.execPath, ['-e', print], { uid: 65534, gid: 65534, cwd: '/' });
    expect(report).toMatchObject({ available: true, tracking: 'async' });
    const allowed = readFileSync('/proc/sys/vm/unprivileged_userfaultfd', 'utf8').trim() === '1';
    const { kernelFaults, ...rest } = report.mechanisms!;
    expect(kernelFaults.works).toBe(allowed);
    if (!allowed) expect(kernelFaults.remedy).toMatch(/vm.unprivileged_userfaultfd=1/);
    expect(Object.values(rest).every(({ works }) => works)).toBe(true);
  });

  it('falls back to comparing where userfaultfd is forbidden, and says what to do', () => {
    const script = fileURLToPath(new URL('fixtures/without-userfaultfd.py', import.meta.url));
    const report = probeIn('python3', [script, process.execPath, '-e', print]);
    expect(report).toMatchObject({ available: true, tracking: 'compare', faultHandlers: [] });
    for (const [name, mechanism] of Object.entries(report.mechanisms!) as [string, Mechanism][]) {
      if (name === 'sharedBuffers') expect(mechanism.works).toBe(true);
      else
        expect([name, mechanism]).toMatchObject([
          name,
          { works: false, remedy: expect.stringMatching(/seccomp/) as string },
        ]);
    }
  });
});
