import type { WgslProgram } from '@mirrorspace/core';
import { POLYNOMIAL, power } from './crc.js';

const LANES = 64;

/**
 * Each work unit counts the bytes of a page of the file, and computes its remainder modulo the polynomial of CRC-32. Arguments: the
 * first page, where the counts go (256 words a unit), where the remainders go (a word a unit). A unit that runs again stores the same.
 */
export function fileProgram(pageSize: number): WgslProgram {
  // What the part of a lane is multiplied with: it stands in front of those of the lanes behind it.
  const shifts = Array.from({ length: LANES }, (_, lane) => power((8 * pageSize * (LANES - 1 - lane)) / LANES));
  const code = `
const shifts = array<u32, ${LANES}>(${shifts.map((shift) => `${shift}u`).join(', ')});
var<workgroup> table: array<u32, 256>;
var<workgroup> counts: array<atomic<u32>, 256>;
var<workgroup> remainder: atomic<u32>;

fn shifted(a: u32) -> u32 { return select(a >> 1u, (a >> 1u) ^ ${POLYNOMIAL}u, (a & 1u) == 1u); }

fn multiply(a: u32, b: u32) -> u32 {
  var product = 0u;
  var factor = b;
  for (var bit = 32u; bit > 0u; bit--) {
    product ^= select(0u, factor, ((a >> (bit - 1u)) & 1u) == 1u);
    factor = shifted(factor);
  }
  return product;
}

fn run(unit: Unit) {
  for (var i = unit.lane; i < 256u; i += ${LANES}u) {
    var entry = i;
    for (var bit = 0u; bit < 8u; bit++) { entry = shifted(entry); }
    table[i] = entry;
    atomicStore(&counts[i], 0u);
  }
  if (unit.lane == 0u) { atomicStore(&remainder, 0u); }
  workgroupBarrier();
  let page = page_to_load(advance(arg_address(0u), unit.index * page_words));
  let part = page_words / ${LANES}u;
  var crc = 0u;
  for (var i = unit.lane * part; i < (unit.lane + 1u) * part; i++) {
    let word = load_in_u32(page, i);
    for (var shift = 0u; shift < 32u; shift += 8u) {
      let byte = (word >> shift) & 255u;
      crc = table[(crc ^ byte) & 255u] ^ (crc >> 8u);
      atomicAdd(&counts[byte], 1u);
    }
  }
  atomicXor(&remainder, multiply(shifts[unit.lane], crc));
  workgroupBarrier();
  for (var i = unit.lane; i < 256u; i += ${LANES}u) {
    store_u32(advance(arg_address(1u), unit.index * 256u + i), atomicLoad(&counts[i]));
  }
  if (unit.lane == 0u) { store_u32(advance(arg_address(2u), unit.index), atomicLoad(&remainder)); }
}`;
  return { language: 'wgsl', lanes: LANES, idempotent: true, code };
}
