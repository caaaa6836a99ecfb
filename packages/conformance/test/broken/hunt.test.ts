import { beforeAll, describe, expect, test } from 'vitest';
import type { BrokenDevice } from '../../src/broken/device.js';
import { hunt } from '../../src/broken/hunt.js';
import { loadReferences } from '../../src/broken/reference.js';
import { override, rewriting, withSubmit } from '../../src/broken/wrap.js';
import { driverCases, fail, type TestedBackend } from '../../src/index.js';
import { caseOf } from '../helpers.js';

let reference: TestedBackend;

beforeAll(async () => {
  reference = (await loadReferences()).managed;
});

const lossy: BrokenDevice = {
  name: 'test/lossy',
  breaks: 'stores do nothing',
  rules: ['WriteCommand: the bytes reach'],
  wrap: (device) => rewriting(device, (command) => (command.kind === 'write' ? [] : command)),
};

test('a defect is caught by the first case whose rule names it, and the rule is in the message', async () => {
  const { caught, ran } = await hunt(reference, lossy, driverCases);
  expect(caught?.address).toBe('driver/mapping:write-through-entry:pageSize=4096');
  expect(caught?.rule).toMatch(/^WriteCommand: the bytes reach/);
  expect(caught?.message).toContain(`rule: ${caught?.rule}`);
  expect(ran).toBe(1);
});

test('a defect that only cases of other rules see has escaped', async () => {
  const { caught, ran } = await hunt(reference, { ...lossy, rules: ['Device.now'] }, driverCases);
  expect(caught).toBeUndefined();
  expect(ran).toBe(1);
});

test('a device without a defect escapes', async () => {
  const { caught, ran } = await hunt(reference, { ...lossy, wrap: (device) => device }, driverCases);
  expect(caught).toBeUndefined();
  expect(ran).toBeGreaterThan(1);
});

test('a case that the correct device fails too catches nothing', async () => {
  const bad = caseOf('always-fails', async () => fail('as ever'), { rule: lossy.rules[0] ?? '' });
  expect((await hunt(reference, lossy, [bad])).caught).toBeUndefined();
});

test('a device that hangs is caught in bounded time', async () => {
  const never = new Promise<never>(() => undefined);
  const hung: BrokenDevice = {
    ...lossy,
    wrap: (device) =>
      withSubmit(device, (queue) => () => ({
        queue: queue.id,
        value: 1,
        signaled: false,
        error: undefined,
        wait: () => never,
      })),
  };
  const { caught } = await hunt(reference, hung, driverCases);
  expect(caught?.message).toMatch(/did not end within/);
});

describe('the reference', () => {
  test('is closed below a broken device that does not close', async () => {
    const leaky: BrokenDevice = {
      ...lossy,
      wrap: (device) => override(device, { close: () => Promise.resolve() }),
    };
    const opened: string[] = [];
    const watched: TestedBackend = {
      ...reference,
      async open(options) {
        const device = await reference.open(options);
        opened.push(device.info.name);
        void device.lost.then(() => opened.splice(opened.indexOf(device.info.name), 1));
        return device;
      },
    };
    await hunt(watched, leaky, []);
    expect(opened).toEqual([]);
  });

  test('can be lost', async () => {
    const device = await reference.open();
    reference.conformance?.lose?.(device);
    expect((await device.lost).reason).toBe('failed');
  });
});
