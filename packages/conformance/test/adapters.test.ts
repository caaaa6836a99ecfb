import { memory } from '@mirrorspace/memory';
import { describe, expect, test } from 'vitest';
import { nodeTestSuite, vitestSuite } from '../src/index.js';
import { caseOf } from './helpers.js';

const cases = [
  caseOf('good', async () => undefined),
  caseOf('bad', async () => Promise.reject(new Error('on purpose'))),
  caseOf('other', async () => undefined, { needs: ['program:cuda'] }),
];

describe('vitestSuite', () => {
  test('defines a test a case and skips what is not claimed', async () => {
    const defined = new Map<string, () => Promise<void>>();
    const skipped: string[] = [];
    const define = Object.assign((name: string, body: () => Promise<void>) => void defined.set(name, body), {
      skip: (name: string) => void skipped.push(name),
    });
    await vitestSuite(define, { backend: memory, cases });
    expect([...defined.keys()]).toEqual(['driver/mapping:good', 'driver/mapping:bad']);
    expect(skipped).toEqual(['driver/mapping:other']);
    await expect(defined.get('driver/mapping:good')?.()).resolves.toBeUndefined();
    await expect(defined.get('driver/mapping:bad')?.()).rejects.toThrow(/on purpose[^]*rule: R2/);
  });

  test('refuses a suite of which nothing applies', async () => {
    const define = Object.assign(() => undefined, { skip: () => undefined });
    await expect(vitestSuite(define, { backend: memory, cases, filter: ['other'] })).rejects.toThrow(RangeError);
    await expect(vitestSuite(define, { backend: memory, cases, filter: ['nothing'] })).rejects.toThrow(RangeError);
  });
});

describe('nodeTestSuite', () => {
  test('passes the reason to skip', async () => {
    const seen: unknown[] = [];
    await nodeTestSuite((name, { skip }) => void seen.push([name, skip]), { backend: memory, cases });
    expect(seen).toEqual([
      ['driver/mapping:good', false],
      ['driver/mapping:bad', false],
      ['driver/mapping:other', 'the device does not claim program:cuda'],
    ]);
  });
});
