import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { Crc, POLYNOMIAL } from '../src/worker/crc.js';

/** What a work unit computes: the plain remainder of a page. */
function remainder(page: Uint8Array): number {
  let crc = 0;
  for (const byte of page) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  }
  return crc >>> 0;
}

test('the CRC-32 out of pages is that of the whole, whatever the last page has', () => {
  const page = 256;
  for (const bytes of [1, 255, 256, 257, 1000, 1024]) {
    const whole = Uint8Array.from({ length: bytes }, (_, i) => (i * i + 7 * i + 1) >> 2);
    const crc = new Crc(page);
    for (let at = 0; at < bytes; at += page) {
      const padded = new Uint8Array(page);
      padded.set(whole.subarray(at, at + page));
      crc.add(remainder(padded));
    }
    expect(crc.of(bytes), `${bytes} bytes`).toBe(crc32(whole));
  }
});
