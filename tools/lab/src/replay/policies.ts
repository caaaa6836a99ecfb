import {
  type AttachOptions,
  type EvictionName,
  evictionPolicies,
  type PolicySetName,
  policySets,
  type PrefetchName,
  prefetchPolicies,
} from '@mirrorspace/core';

/** How a device is attached for a replay, by name. */
export interface Policy {
  readonly name: string;
  /** Options of `space.attach`. */
  readonly attach: AttachOptions;
  /** Whether everything that is evicted is written back, as if every access had been a store. */
  readonly writesAll?: boolean;
}

/** Those that have a name of their own: core's sets, and NVIDIA's as it is shipped. */
const NAMED: readonly Policy[] = [
  ...(Object.keys(policySets) as PolicySetName[]).map((name) => ({ name, attach: { policies: name } })),
  { name: 'uvm-all', attach: { policies: 'uvm' }, writesAll: true },
];

/** What others are held against. */
export const BASELINE = 'uvm';

/** The names there are, for messages. */
export function policyNames(): string {
  const pairs = `or eviction+prefetch, of ${Object.keys(evictionPolicies).join(', ')} and ${Object.keys(prefetchPolicies).join(', ')}`;
  return `${NAMED.map(({ name }) => name).join(', ')}, ${pairs}`;
}

/** Options of `space.attach` that a policy's name may set: `lru+tree?aging=1&batch=128`. */
const PARAMETERS = ['aging', 'sampling', 'batch'] as const;

/**
 * A policy by its name: one of its own, or `eviction+prefetch`; then, behind a question mark, parameters.
 * @throws RangeError where there is none
 */
export function policyOf(name: string): Policy {
  const [base = '', parameters] = name.split('?', 2);
  const { attach, ...policy } = byName(base);
  if (parameters === undefined) return { ...policy, name, attach };
  const changes: Partial<Record<(typeof PARAMETERS)[number], number>> = {};
  for (const [key, text] of new URLSearchParams(parameters)) {
    const parameter = PARAMETERS.find((known) => known === key);
    const value = Number(text);
    if (parameter === undefined || text === '' || !Number.isFinite(value))
      throw new RangeError(`no parameter ${key}=${text}; there are ${PARAMETERS.join(', ')}, and they are numbers`);
    changes[parameter] = value;
  }
  return { ...policy, name, attach: { ...attach, ...changes } };
}

function byName(name: string): Policy {
  const named = NAMED.find((policy) => policy.name === name);
  if (named !== undefined) return named;
  const [eviction = '', prefetch = 'none', ...rest] = name.split('+');
  if (!Object.hasOwn(evictionPolicies, eviction) || !Object.hasOwn(prefetchPolicies, prefetch) || rest.length > 0)
    throw new RangeError(`no policy ${JSON.stringify(name)}; there are ${policyNames()}`);
  return { name, attach: { eviction: eviction as EvictionName, prefetch: prefetch as PrefetchName } };
}
