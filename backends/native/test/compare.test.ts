import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addon } from '../src/index.js';

const { changedPages, differentPages, hashPages, Mapping, pageSize } = addon();
const PAGES = 16;

describe('comparing', () => {
  it('finds each single bit that changes, by hash and by bytes', () => {
    const memory = Mapping.reserve(PAGES * pageSize);
    const bytes = new Uint8Array(memory.arrayBuffer(0, memory.length));
    const copy = new Uint8Array(memory.length);
    const hashes = new BigUint64Array(PAGES);
    const out = new Uint32Array(PAGES);
    hashPages(memory, 0, memory.length, pageSize, hashes);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(memory.length - 1), fc.nat(7)), { maxLength: 6 }), (bits) => {
        copy.set(bytes);
        for (const [at, bit] of bits) bytes[at]! ^= 1 << bit;
        const count = differentPages(memory, 0, copy, 0, memory.length, pageSize, out);
        const different = [...out.subarray(0, count)];
        const changed = changedPages(memory, 0, memory.length, pageSize, hashes, out);
        expect([...out.subarray(0, changed)]).toEqual(different);
        const touched = new Set(bits.map(([at]) => Math.floor(at / pageSize)));
        expect(different.every((page) => touched.has(page))).toBe(true);
        if (new Set(bits.map(String)).size === bits.length) expect(different).toHaveLength(touched.size);
        expect(changedPages(memory, 0, memory.length, pageSize, hashes, out)).toBe(0);
      }),
    );
  });

  it('tells apart pages of one repeated word, and pages whose parts changed places', () => {
    const seen = new Set<bigint>();
    const page = new BigUint64Array(pageSize / 8);
    const hash = new BigUint64Array(1);
    const add = () => {
      hashPages(page, 0, pageSize, pageSize, hash);
      seen.add(hash[0]!);
    };
    for (let i = 0; i < 64; i++) {
      page.fill(1n << BigInt(i));
      add();
      page.fill(0n);
      for (const word of [0, 1, 7, 8, 9, 511]) {
        page.fill(0n);
        page[word] = 1n << BigInt(i);
        add();
      }
    }
    expect(seen.size).toBe(64 * 7);
  });

  it('refuses too small arrays and sizes that are none', () => {
    const memory = new Uint8Array(4096);
    expect(() => hashPages(memory, 0, 4096, 64, new BigUint64Array(63))).toThrow(RangeError);
    expect(() => hashPages(memory, 64, 4096, 64, new BigUint64Array(64))).toThrow(RangeError);
    expect(() => hashPages(memory, 0, 4096, 96, new BigUint64Array(64))).toThrow(RangeError);
    expect(() => hashPages(memory, 0, 4096, 32, new BigUint64Array(128))).toThrow(RangeError);
    expect(() => changedPages(memory, 0, 4096, 64, new BigUint64Array(64), new Uint32Array(63))).toThrow(RangeError);
  });
});
