import type { Case } from '../case.js';
import { driverCases } from './driver/index.js';
import { mirrorCases } from './mirror/index.js';
import { mirroringCases } from './mirroring/index.js';

export { driverCases, mirrorCases, mirroringCases };

/** The whole suite, in order of definition. */
export const allCases: readonly Case[] = [...driverCases, ...mirrorCases, ...mirroringCases];
