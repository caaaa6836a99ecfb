import type { Area, Case } from '../case.js';
import { driverCases, mirrorCases, mirroringCases } from '../cases/index.js';

/** Areas below core that ask more of a device than the cases on the contract do. */
const BELOW_CORE: ReadonlySet<Area> = new Set<Area>([
  'notifier',
  'flush',
  'merge',
  'remap-pages',
  'harvest',
  'device-lru',
  'reclaim',
]);

/**
 * The cases that broken devices are tried with: those that speak the contract, and of those below core the ones on merged and on
 * rearranged pages, whose frames several entries share as nothing else in the suite does, on pages that leave while devices use them, and
 * on entries that change while something of them is under way; and all that are about devices which mirror a process.
 */
export const huntingCases: readonly Case[] = [
  ...driverCases,
  ...mirrorCases.filter(({ area }) => BELOW_CORE.has(area)),
  ...mirroringCases,
];
