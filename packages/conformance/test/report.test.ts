import { describe, expect, test } from 'vitest';
import {
  compareReports,
  formatJson,
  formatPretty,
  formatTap,
  mergeReports,
  parseReport,
  succeeded,
} from '../src/index.js';
import { reportOf, result } from './helpers.js';

test('no case that ran is no success', () => {
  expect(succeeded(reportOf(result('a', 'pass')))).toBe(true);
  expect(succeeded(reportOf(result('a', 'pass'), result('b', 'fail')))).toBe(false);
  expect(succeeded(reportOf(result('a', 'skip')))).toBe(false);
  expect(succeeded(reportOf())).toBe(false);
});

describe('mergeReports', () => {
  test('joins parts; the worst result of a case wins', () => {
    const one = reportOf(result('a', 'pass'), result('b', 'fail'), result('c', 'skip'));
    const two = reportOf(result('b', 'pass'), result('c', 'pass'), result('d', 'pass'));
    const merged = mergeReports([one, two]);
    expect(merged.results.map(({ address, status }) => `${address} ${status}`)).toEqual([
      'a pass',
      'b fail',
      'c pass',
      'd pass',
    ]);
    expect(merged).toMatchObject({ version: 1, backend: 'memory', device: 'a device' });
  });

  test('refuses what does not belong together', () => {
    expect(() => mergeReports([])).toThrow(RangeError);
    expect(() => mergeReports([reportOf(), { ...reportOf(), backend: 'other' }])).toThrow(/different backends/);
  });
});

test('compareReports says what changed', () => {
  const before = reportOf(
    result('fixed', 'fail'),
    result('broke', 'pass'),
    result('still', 'fail'),
    result('gone', 'pass'),
    result('hid', 'pass'),
  );
  const after = reportOf(
    result('fixed', 'pass'),
    result('broke', 'fail'),
    result('still', 'fail'),
    result('new', 'fail'),
    result('hid', 'skip'),
  );
  expect(compareReports(before, after)).toEqual({
    fixed: ['fixed'],
    broken: ['broke', 'new'],
    stillFailing: ['still'],
    newlySkipped: ['hid'],
    added: ['new'],
    removed: ['gone'],
  });
});

describe('formats', () => {
  const report = reportOf(result('a', 'pass'), result('b', 'fail'), result('c', 'skip'));

  test('json can be read back', () => {
    expect(parseReport(formatJson(report))).toEqual(report);
    expect(() => parseReport('[]')).toThrow(RangeError);
    expect(() => parseReport('{"version":1}')).toThrow(RangeError);
  });

  test('tap numbers every case', () => {
    const lines = formatTap(report).split('\n');
    expect(lines.slice(0, 3)).toEqual(['TAP version 14', '1..3', 'ok 1 - a']);
    expect(lines).toContain('not ok 2 - b');
    expect(lines).toContain('ok 3 - c # SKIP because of skip');
  });

  test('pretty shows failures in full and the totals', () => {
    const text = formatPretty(report);
    expect(text).toContain('✗ b\n    because of fail');
    expect(text).toContain('3 cases: 1 passed, 1 failed, 1 skipped');
    expect(formatPretty(reportOf(result('c', 'skip')))).toContain('no case ran');
  });
});
