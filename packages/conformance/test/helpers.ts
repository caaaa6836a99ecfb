import { describe, test } from 'vitest';
import type { SuiteOptions } from '../src/adapters.js';
import type { Case, Report, Result } from '../src/index.js';
import { defineCases, type CaseDefinition, vitestSuite } from '../src/index.js';

/** The cases that apply to a device, as tests below a title. */
export async function suiteOf(title: string, options: SuiteOptions): Promise<void> {
  const tests: (readonly [string, () => Promise<void>, number])[] = [];
  const collect = Object.assign((...args: readonly [string, () => Promise<void>, number]) => void tests.push(args), {
    skip: () => undefined,
  });
  await vitestSuite(collect, options);
  describe(title, () => {
    for (const [name, body, timeoutMs] of tests) test(name, body, timeoutMs);
  });
}

/** Cases of a made-up area with outcomes of their own choice. */
export function caseOf(name: string, run: CaseDefinition['run'], rest: Partial<CaseDefinition> = {}): Case {
  const definition = { name, rule: 'R2: a made-up rule', mend: 'mend the made-up thing', run, ...rest };
  const [made] = defineCases({ level: 'driver', area: 'mapping' }, [definition]);
  if (!made) throw new Error('no case was made');
  return made;
}

export function result(address: string, status: Result['status'], area = 'mapping'): Result {
  return {
    address,
    area,
    tags: [],
    status,
    timeMs: 1,
    ...(status === 'pass' ? {} : { message: `because of ${status}` }),
  };
}

export function reportOf(...results: Result[]): Report {
  return { version: 1, backend: 'memory', device: 'a device', results };
}
