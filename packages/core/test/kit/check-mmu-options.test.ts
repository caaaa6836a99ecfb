import { expect, test } from 'vitest';
import { checkMmuOptions, type MmuOptions } from '../../src/vendor.js';

const device = {
  info: { name: 'toy:0', backend: 'toy', description: 'a toy' },
  limits: {
    pageSizes: [4096, 65536],
    memory: 1 << 20,
    addressBits: 40,
    faultBuffer: 8,
    pagesPerCommand: 8,
    commandsPerSubmit: 8,
    residentUnits: 1,
    preemptionUs: 0,
  },
};

test('fills in the smallest page size for fault reports', () => {
  expect(checkMmuOptions({ addressBits: 40 }, device)).toEqual({ addressBits: 40, faultPageSize: 4096 });
  expect(checkMmuOptions({ addressBits: 32, faultPageSize: 65536 }, device)).toEqual({
    addressBits: 32,
    faultPageSize: 65536,
  });
});

test.each<[MmuOptions]>([
  [{ addressBits: 31 }],
  [{ addressBits: 41 }],
  [{ addressBits: 40, faultPageSize: 2097152 }],
  [{ addressBits: 40, faultPageSize: 12288 }],
])('answers UNSUPPORTED, with the name of the device, to %j', (options) => {
  expect(() => checkMmuOptions(options, device)).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED', device: 'toy:0' }),
  );
});

test.each<[unknown, typeof TypeError | typeof RangeError]>([
  [undefined, TypeError],
  [null, TypeError],
  [{}, TypeError],
  [{ addressBits: '40' }, TypeError],
  [{ addressBits: NaN }, RangeError],
  [{ addressBits: 39.5 }, RangeError],
  [{ addressBits: -1 }, RangeError],
  [{ addressBits: 40, faultPageSize: 0 }, RangeError],
])('throws for %j', (options, type) => {
  expect(() => checkMmuOptions(options as MmuOptions, device)).toThrow(type);
});
