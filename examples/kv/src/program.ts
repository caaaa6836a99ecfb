import type { WgslProgram } from '@mirrorspace/core';
import { TEXT_WORDS, types } from './layout.js';

/** Arguments: the table, the queries, the answers, how many. Each lane looks one word up: its value, or 0 where it is not there. */
export const lookUp: WgslProgram = {
  language: 'wgsl',
  // A lane stores its answer and nothing else: it may do so twice.
  idempotent: true,
  code: `${types.wgsl}
    fn hash_of(query: address, words: u32) -> u32 {
      var hash = 0x811c9dc5u;
      for (var i = 0u; i < words; i++) { hash = (hash ^ load_Query_text(query, i)) * 0x01000193u; }
      return hash ^ (hash >> 15u);
    }
    fn is_same(entry: address, query: address, length: u32, words: u32) -> bool {
      if (load_Entry_length(entry) != length) { return false; }
      for (var i = 0u; i < words; i++) {
        if (load_Entry_text(entry, i) != load_Query_text(query, i)) { return false; }
      }
      return true;
    }
    fn run(unit: Unit) {
      let i = unit.index * 64u + unit.lane;
      if (i >= arg_u32(3u)) { return; }
      let table = arg_address(0u);
      let query = at_Query(arg_address(1u), i);
      let length = load_Query_length(query);
      let words = min((length + 3u) / 4u, ${TEXT_WORDS}u);
      let bucket = hash_of(query, words) & load_Table_mask(table);
      var entry = load_Table_buckets(table, bucket);
      // A chain is followed as long as what was loaded is there.
      while (entry != 0u && !faulted() && !is_same(entry, query, length, words)) { entry = load_Entry_next(entry); }
      var answer = 0u;
      if (entry != 0u) { answer = load_Entry_value(entry); }
      store_u32(advance(arg_address(2u), i), answer);
    }`,
};
