import type { Env } from './env.js';
import { type Params, VARIANTS, type Variant } from './setup.js';

/** What part of the contract a case is about. */
export const AREAS = [
  'mapping',
  'fault',
  'protection',
  'notifier',
  'flush',
  'queue',
  'dirty',
  'harvest',
  'eviction',
  'device-lru',
  'reclaim',
  'migration',
  'host-migration',
  'remap-pages',
  'duplication',
  'merge',
  'fork',
  'file',
  'exclusive',
  'devices',
  'replay',
  'limit',
  'error',
  'loss',
  'teardown',
  'leak',
] as const;

/** One of {@link AREAS}. */
export type Area = (typeof AREAS)[number];

/** Page sizes in bytes that cases are crossed with; a device runs those that it offers. */
export const PAGE_SIZES = [4096, 65536, 2097152] as const;

/** `driver`: the contract alone. `mirror`: the device below core's address space and mirror. */
export type Level = 'driver' | 'mirror';

/**
 * What a device must claim for a case to apply to it.
 *
 * A feature's name; `!feature` for what is not claimed; `mmu:managed`, `mmu:mirroring`; `pageSize:N`; `frames:N` for at least
 * that much memory in the case's pages; `pages:N` for that many pages a command; `faults:N` for a fault buffer of that size; `inject:lose`, `inject:hang` for what the backend's conformance companion offers.
 */
export type Need = string;

/** One conformance case: plain data and a function. */
export interface Case {
  /** Stable and readable: `level/area:name:param=value,…`. */
  readonly address: string;
  /** What it tests: the device alone, or the device below core. */
  readonly level: Level;
  /** What part of the contract it is about. */
  readonly area: Area;
  /** Free labels; `hmm:*` and `igt:*` name the kernel's tests whose meaning the case carries. */
  readonly tags: readonly string[];
  /** The rule it holds true: `R1` to `R10`, or the member of the contract that states it. */
  readonly rule: string;
  /** What to look for when it fails. */
  readonly mend: string;
  /** All that a device must claim for it to apply. */
  readonly needs: readonly Need[];
  /** Values of its parameters; empty where it has none. */
  readonly params: Params;
  /** How it is set up; `plain` on the `driver` level. */
  readonly variant: Variant;
  /** Runs it. Rejects when the device breaks the rule, or anything else goes wrong. */
  run(env: Env): Promise<void>;
}

/** What {@link defineCases} makes cases from. */
export interface CaseDefinition {
  /** Part of the address, after level and area. */
  readonly name: string;
  /** The rule it holds true; see {@link Case.rule}. */
  readonly rule: string;
  /** What to look for when it fails. */
  readonly mend: string;
  /** Labels beside those of the group. */
  readonly tags?: readonly string[];
  /** Needs beside those of the group. */
  readonly needs?: readonly Need[];
  /** Every combination of these makes a case. `pageSize` adds the need for that page size. */
  readonly cross?: Readonly<Record<string, readonly (string | number)[]>>;
  /** Of the `mirror` level only; all by default. */
  readonly variants?: readonly Variant[];
  /** Runs each case; parameters and variant are in its argument. */
  readonly run: (env: Env) => Promise<void>;
}

/** What the cases of a file have in common. */
export interface CaseGroup {
  /** Level of all its cases. */
  readonly level: Level;
  /** Area of all its cases. */
  readonly area: Area;
  /** Needs of all its cases. Default none. */
  readonly needs?: readonly Need[];
  /** Labels of all its cases. Default none. */
  readonly tags?: readonly string[];
}

function crossings(cross: CaseDefinition['cross']): Params[] {
  let rows: Params[] = [{}];
  for (const [name, values] of Object.entries(cross ?? {})) {
    rows = rows.flatMap((row) => values.map((value) => ({ ...row, [name]: value })));
  }
  return rows;
}

/** Core does another work for MMUs that it fills than for those that mirror the process: a case of the `mirror` level is about the former unless it says so. */
function needsOf({ level, needs = [] }: CaseGroup, definition: CaseDefinition): Need[] {
  const all = [...needs, ...(definition.needs ?? [])];
  return level === 'driver' || all.some((need) => need.startsWith('mmu:')) ? all : ['mmu:managed', ...all];
}

/**
 * Makes the cases of one file: one for every crossing of parameters and variants.
 * @throws RangeError when two cases would have one address.
 */
export function defineCases(group: CaseGroup, definitions: readonly CaseDefinition[]): Case[] {
  const seen = new Set<string>();
  const cases: Case[] = [];
  for (const definition of definitions) {
    const variants = group.level === 'mirror' ? (definition.variants ?? VARIANTS) : (['plain'] as const);
    for (const params of crossings(definition.cross)) {
      for (const variant of variants) {
        const shown = { ...params, ...(variant === 'plain' ? {} : { variant }) };
        const suffix = Object.entries(shown).map(([name, value]) => `${name}=${value}`);
        const address = [`${group.level}/${group.area}`, definition.name, ...(suffix.length ? [suffix.join(',')] : [])];
        const made: Case = {
          address: address.join(':'),
          level: group.level,
          area: group.area,
          tags: [...(group.tags ?? []), ...(definition.tags ?? [])],
          rule: definition.rule,
          mend: definition.mend,
          needs: [...needsOf(group, definition), ...('pageSize' in params ? [`pageSize:${params['pageSize']}`] : [])],
          params,
          variant,
          run: definition.run,
        };
        if (seen.has(made.address)) throw new RangeError(`two cases have the address ${made.address}: rename one`);
        seen.add(made.address);
        cases.push(made);
      }
    }
  }
  return cases;
}
