import { expect, test } from 'vitest';
import { allCases, AREAS, defineCases } from '../src/index.js';

/** The cases of the kernel's hmm-tests, by name. */
const HMM = `open_close anon_read anon_read_prot anon_write anon_write_prot anon_write_child anon_write_child_shared
  anon_write_huge anon_write_hugetlbfs file_read file_write migrate migrate_file_private migrate_fault migrate_release
  migrate_shared migrate_mixed migrate_multiple anon_read_multiple anon_teardown mixedmap snapshot compound double_map exclusive
  exclusive_mprotect exclusive_cow hmm_gup_test hmm_cow_in_device migrate_anon_huge_empty migrate_anon_huge_zero
  migrate_anon_huge_free migrate_anon_huge_fault migrate_anon_huge_err migrate_anon_huge_zero_err migrate_partial_unmap_fault
  migrate_remap_fault benchmark_thp_migration`.split(/\s+/);

test('addresses are unique and readable', () => {
  const addresses = allCases.map(({ address }) => address);
  expect(new Set(addresses).size).toBe(addresses.length);
  expect(addresses.length).toBeGreaterThanOrEqual(200);
  for (const address of addresses) expect(address).toMatch(/^(driver|mirror)\/[a-z-]+:[a-z0-9-]+(:[\w.+=,-]+)?$/i);
});

test('every area has cases, every case a rule and a hint', () => {
  expect(new Set(allCases.map(({ area }) => area))).toEqual(new Set(AREAS));
  for (const { rule, mend } of allCases) {
    expect(rule.length).toBeGreaterThan(5);
    expect(mend.length).toBeGreaterThan(10);
  }
});

test('every one of the kernel’s hmm-tests has a case that carries its meaning', () => {
  const tags = new Set(allCases.flatMap((tested) => tested.tags));
  expect(HMM.filter((name) => !tags.has(`hmm:${name}`))).toEqual([]);
  const known = new Set(HMM.map((name) => `hmm:${name}`));
  expect([...tags].filter((tag) => tag.startsWith('hmm:') && !known.has(tag))).toEqual([]);
});

test('two cases of one address are refused', () => {
  const definition = { name: 'same', rule: 'R1: a rule', mend: 'mend it somehow', run: async () => undefined };
  expect(() => defineCases({ level: 'driver', area: 'leak' }, [definition, definition])).toThrow(
    /two cases have the address/,
  );
});
