import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Console } from '../src/console.js';
import { countReport, countTap, resultOf } from '../src/results.js';
import { step } from '../src/step.js';

it('counts TAP: what was skipped or never ran has failed', () => {
  expect(countTap('TAP version 13\n1..2\nok 1 a\n# x\nnot ok 2 b\n')).toEqual({
    passed: 1,
    failed: 1,
    failures: ['b'],
  });
  expect(countTap('1..2\nok 1 a\nok 2 b # SKIP no device\n')).toMatchObject({ passed: 1, failed: 1 });
  expect(countTap('1..3\nok 1 a\n')).toMatchObject({ passed: 1, failed: 1 });
  expect(countTap('')).toMatchObject({ passed: 0, failed: 1 });
});

it('counts reports of the suite, and says when there is none', () => {
  const report = {
    results: [
      { address: 'a', status: 'pass' },
      { address: 'b', status: 'fail', message: 'why' },
    ],
  };
  expect(countReport(JSON.stringify(report))).toEqual({ passed: 1, failed: 1, failures: ['b\n  why'] });
  expect(countReport('Killed')).toMatchObject({ passed: 0, failed: 1 });
});

it('does not believe a phase that ended badly', () => {
  const share = mkdtempSync(join(tmpdir(), 'kernel-lab-'));
  try {
    writeFileSync(join(share, 'a.out'), '1..1\nok 1 a\n');
    expect(resultOf(share, 'a', countTap)).toEqual({ passed: 1, failed: 1, failures: ['a did not end\n  '] });
    writeFileSync(join(share, 'a.code'), '139\n');
    writeFileSync(join(share, 'a.err'), 'Segmentation fault\n');
    expect(resultOf(share, 'a', countTap).failures).toEqual(['a ended with 139\n  Segmentation fault']);
    writeFileSync(join(share, 'a.code'), '0\n');
    expect(resultOf(share, 'a', countTap)).toEqual({ passed: 1, failed: 0, failures: [] });
  } finally {
    rmSync(share, { recursive: true });
  }
});

it('follows a guest by its console, in whatever pieces that comes', () => {
  const guest = new Console();
  for (const piece of ['booting\r\nlab:', ' up\r\nlab: begin con', 'trol\n']) guest.read(piece);
  expect([guest.up, guest.phase, guest.done]).toEqual([true, 'control', false]);
  guest.read('[ 1.0] lab: end control 0\nlab: done\n');
  expect([guest.phase, guest.done]).toEqual([undefined, true]);
});

it('says what a step waited for', async () => {
  expect(await step('saying', ['echo', 'hello'], { limit: 60 })).toBe('hello\n');
  await expect(step('failing', ['sh', '-c', 'echo why; exit 3'], { limit: 60 })).rejects.toThrow(
    /failing: .* ended with 3\n {2}why/,
  );
  await expect(step('waiting', ['sleep', '100'], { limit: 0.2 })).rejects.toThrow(/waiting: `sleep 100` did not end/);
  await expect(step('starting', ['/nowhere'], { limit: 60 })).rejects.toThrow(/could not start/);
});
