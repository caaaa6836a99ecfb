import type { WgslProgram } from '@mirrorspace/core';

/** Words that a work unit works on: sixteen pages. */
export const UNIT_WORDS = 16 * 1024;

/** Arguments: the array, the sums. Unit `u` stores the sum of its words at `sums[u]`. */
export const sum: WgslProgram = {
  language: 'wgsl',
  code: `
    var<workgroup> parts: array<u32, 64>;
    fn run(unit: Unit) {
      let start = advance(arg_address(0u), unit.index * ${UNIT_WORDS}u);
      var part = 0u;
      for (var at = 0u; at < ${UNIT_WORDS}u; at += page_words) {
        let page = page_to_load(advance(start, at));
        for (var i = unit.lane; i < page_words; i += 64u) { part += load_in_u32(page, i); }
      }
      parts[unit.lane] = part;
      workgroupBarrier();
      if (unit.lane > 0u) { return; }
      for (var lane = 1u; lane < 64u; lane++) { part += parts[lane]; }
      store_u32(advance(arg_address(1u), unit.index), part);
    }`,
};

/** Argument: the array. Makes 3 x + 1 of every word x. */
export const update: WgslProgram = {
  language: 'wgsl',
  code: `
    fn run(unit: Unit) {
      let start = advance(arg_address(0u), unit.index * ${UNIT_WORDS}u);
      for (var at = 0u; at < ${UNIT_WORDS}u; at += page_words) {
        let page = page_to_store(advance(start, at));
        for (var i = unit.lane; i < page_words; i += 64u) { store_in_u32(page, i, 3u * load_in_u32(page, i) + 1u); }
      }
    }`,
};
