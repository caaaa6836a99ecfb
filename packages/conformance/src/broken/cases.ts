import type { Case } from '../case.js';
import { driverCases, mirrorCases } from '../cases/index.js';

/**
 * The cases that broken devices are tried with: those that speak the contract, and of those below core the ones on merged and on
 * rearranged pages, whose frames several entries share as nothing else in the suite does.
 */
export const huntingCases: readonly Case[] = [
  ...driverCases,
  ...mirrorCases.filter(({ area }) => area === 'merge' || area === 'remap-pages'),
];
