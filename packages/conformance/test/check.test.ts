import { MirrorError } from '@mirrorspace/core/driver';
import { describe, expect, test } from 'vitest';
import { bytesEqual, deepEqual, equal, ok, refuses, rejects, throws } from '../src/index.js';

describe('assertions', () => {
  test('equal, ok, deepEqual', () => {
    expect(() => equal(1, 1, 'x')).not.toThrow();
    expect(() => equal(1, 2, 'the number')).toThrow('the number: expected 2, got 1');
    expect(() => ok(0, 'it holds')).toThrow('it holds');
    expect(() => deepEqual({ a: [1, 2] }, { a: [1, 2] }, 'x')).not.toThrow();
    expect(() => deepEqual({ a: [1, 2] }, { a: [1, 3] }, 'the list')).toThrow(/the list: expected/);
    expect(() => deepEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 3), 'the bytes')).toThrow(/the bytes: expected/);
    expect(() => deepEqual(Uint8Array.of(1), Uint8Array.of(1, 0), 'the length')).toThrow(/the length: expected/);
  });

  test('bytesEqual says where and how many', () => {
    expect(() => bytesEqual(Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 3), 'x')).not.toThrow();
    expect(() => bytesEqual(Uint8Array.of(1, 9, 9), Uint8Array.of(1, 2, 3), 'page')).toThrow(
      /2 of 3 bytes differ, the first at offset 1/,
    );
    expect(() => bytesEqual(new Uint8Array(2), new Uint8Array(3), 'page')).toThrow(/expected 3 bytes, got 2/);
  });

  test('rejects and throws look at the code', async () => {
    const closed = new MirrorError('CLOSED', 'gone');
    await rejects(Promise.reject(closed), ['CLOSED'], 'x');
    await expect(rejects(Promise.reject(closed), ['IO'], 'the read')).rejects.toThrow(
      /the read: expected IO, got CLOSED: gone/,
    );
    await expect(rejects(Promise.resolve(), ['IO'], 'the read')).rejects.toThrow(
      /the read: expected IO, but it succeeded/,
    );
    expect(() => throws(() => Number.parseInt('1'), ['RangeError'], 'the call')).toThrow(/expected RangeError at once/);
    expect(() =>
      throws(
        () => {
          throw new TypeError('no');
        },
        ['TypeError'],
        'x',
      ),
    ).not.toThrow();
    await refuses(
      () => {
        throw new RangeError('no');
      },
      ['RangeError'],
      'x',
    );
    await refuses(async () => Promise.reject(new RangeError('no')), ['RangeError'], 'x');
  });
});
