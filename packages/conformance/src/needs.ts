import type { Case, Need } from './case.js';
import type { Claims } from './backend.js';
import { languageOf, LANGUAGES } from './units.js';

/** Page size in bytes that a case runs with: its parameter, or the smallest that the device offers. */
export function pageSizeOf(tested: Pick<Case, 'params'>, claims: Claims): number {
  return Number(tested.params['pageSize'] ?? claims.limits.pageSizes[0]);
}

/** Why the device need not pass the case, or `undefined` when it must. Decided by what it claims and nothing else. */
export function whySkip(tested: Pick<Case, 'needs' | 'params'>, claims: Claims): string | undefined {
  for (const need of tested.needs) {
    const reason = unmet(need, tested, claims);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function unmet(need: Need, tested: Pick<Case, 'params'>, claims: Claims): string | undefined {
  if (need.startsWith('!')) {
    return claims.features.has(need.slice(1)) ? `for devices that do not claim ${need.slice(1)}` : undefined;
  }
  const [head, value = ''] = need.split(':');
  switch (head) {
    case 'mmu':
      return claims.mmu === value ? undefined : `for ${value} MMUs; this one is ${claims.mmu}`;
    case 'pageSize':
      return claims.limits.pageSizes.includes(Number(value)) ? undefined : `the device offers no ${value}-byte pages`;
    case 'frames': {
      const frames = Math.floor(claims.limits.memory / pageSizeOf(tested, claims));
      return frames >= Number(value) ? undefined : `needs ${value} frames; the device has ${frames}`;
    }
    case 'faults': {
      const { faultBuffer } = claims.limits;
      return faultBuffer >= Number(value)
        ? undefined
        : `needs room for ${value} faults; the device's buffer has ${faultBuffer}`;
    }
    case 'pages': {
      const { pagesPerCommand } = claims.limits;
      return pagesPerCommand >= Number(value)
        ? undefined
        : `needs ${value} pages a command; the device takes ${pagesPerCommand}`;
    }
    case 'program':
      if (value === '' && languageOf(claims.features) === undefined)
        return `the device runs programs in none of ${LANGUAGES.join(', ')}`;
      return value === '' || claims.features.has(need) ? undefined : `the device does not claim ${need}`;
    case 'inject': {
      const offered: unknown = Reflect.get(claims.companion, value);
      return offered ? undefined : `the backend offers no conformance.${value}`;
    }
    default:
      return claims.features.has(need) ? undefined : `the device does not claim ${need}`;
  }
}
