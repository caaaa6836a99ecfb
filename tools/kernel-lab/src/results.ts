import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How many tests of a phase passed and failed. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** What failed, with why. */
  readonly failures: readonly string[];
}

/** Counts the results of a phase by what it printed. One that says that all passed, and ended with another code than 0 or not at all, has failed. */
export function resultOf(share: string, phase: string, count: (text: string) => Counts): Counts {
  const counts = count(fileOf(share, `${phase}.out`));
  const code = fileOf(share, `${phase}.code`).trim();
  if (counts.failed > 0 || code === '0') return counts;
  const last = fileOf(share, `${phase}.err`).trimEnd().split('\n').slice(-5).join('\n  ');
  const failures = [`${phase} ${code === '' ? 'did not end' : `ended with ${code}`}\n  ${last}`];
  return { passed: counts.passed, failed: 1, failures };
}

function fileOf(share: string, name: string): string {
  const path = join(share, name);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** Counts the results in TAP, as the kernel's selftests print them. What was skipped has failed: the lab has all that they need. */
export function countTap(text: string): Counts {
  const failures: string[] = [];
  let passed = 0;
  for (const line of text.split('\n')) {
    const [, verdict, name] = /^(ok|not ok) \d+ (.*)$/.exec(line) ?? [];
    if (verdict === undefined) continue;
    if (verdict === 'ok' && !/# SKIP/.test(name!)) passed++;
    else failures.push(name!);
  }
  const [, planned] = /^1\.\.(\d+)$/m.exec(text) ?? [];
  const got = passed + failures.length;
  if (planned === undefined || Number(planned) !== got)
    failures.push(`${got} tests have a result, of ${planned ?? 'a number that nobody printed'}`);
  return { passed, failed: failures.length, failures };
}

/** Counts the results of a report of the conformance suite. */
export function countReport(text: string): Counts {
  let results: readonly { readonly address: string; readonly status: string; readonly message?: string }[];
  try {
    ({ results } = JSON.parse(text) as { results: typeof results });
  } catch {
    return { passed: 0, failed: 1, failures: [`the suite left no report: ${text.slice(0, 500) || 'nothing'}`] };
  }
  const failures = results
    .filter(({ status }) => status === 'fail')
    .map(({ address, message }) => `${address}\n  ${message ?? ''}`);
  return { passed: results.filter(({ status }) => status === 'pass').length, failed: failures.length, failures };
}
