import { driverRows } from './driver-rows.js';
import { mirrorRows } from './mirror-rows.js';
import type { Row } from './rows.js';
import { spaceRows } from './space-rows.js';
import { toolRows } from './tool-rows.js';

/** Every row of the table. */
export const rows: readonly Row[] = [...spaceRows, ...mirrorRows, ...driverRows, ...toolRows];
