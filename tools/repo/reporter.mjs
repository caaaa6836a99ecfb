// A reporter of vitest for the CI summary: counts and failures, with messages, diffs, and errors that no test awaited.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { resultsFolder, root } from './workspaces.mjs';

/** The message, the difference, and where: frames of ours only. */
function textOf({ name, message, diff, stack = '' }) {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line) && !/node_modules|node:internal/.test(line));
  return [`${name}: ${message}`, ...(diff ? [diff] : []), ...frames].join('\n');
}

export default class Reporter {
  onTestRunEnd(modules, unhandled) {
    let passed = 0;
    const failures = [];
    for (const module of modules) {
      const file = relative(root, module.moduleId);
      const fail = (name, errors) => failures.push({ name, file, message: errors.map(textOf).join('\n') });
      if (module.errors().length > 0) fail('the file as a whole', module.errors());
      for (const suite of module.children.allSuites()) {
        if (suite.errors().length > 0) fail(suite.fullName, suite.errors());
      }
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result();
        if (state === 'passed') passed++;
        if (state === 'failed') fail(test.fullName, errors);
      }
    }
    for (const error of unhandled) {
      const after = error.VITEST_TEST_NAME ?? 'no test';
      const file = error.VITEST_TEST_PATH && relative(root, error.VITEST_TEST_PATH);
      failures.push({ name: `an error that nobody awaited, in or after ${after}`, file, message: textOf(error) });
    }
    mkdirSync(resultsFolder, { recursive: true });
    writeFileSync(join(resultsFolder, 'unit.json'), JSON.stringify({ passed, failed: failures.length, failures }));
  }
}
