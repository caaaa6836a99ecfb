import type { Case } from '../case.js';
import { driverCases } from './driver/index.js';

export { driverCases };

/** The whole suite, in order of definition. */
export const allCases: readonly Case[] = [...driverCases];
