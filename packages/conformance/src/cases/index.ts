import type { Case } from '../case.js';
import { driverCases } from './driver/index.js';
import { mirrorCases } from './mirror/index.js';

export { driverCases, mirrorCases };

/** The whole suite, in order of definition. */
export const allCases: readonly Case[] = [...driverCases, ...mirrorCases];
