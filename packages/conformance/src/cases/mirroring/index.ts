import type { Case } from '../../case.js';
import { adviceCommands, advised } from './advice.js';
import { mirroringCommands } from './commands.js';
import { moving } from './moving.js';
import { accesses, ends, holds, losses, rights, sharing, taking, together } from './using.js';

/** Cases for devices whose driver mirrors the page table of the process, alone and below core. */
export const mirroringCases: readonly Case[] = [
  ...mirroringCommands,
  ...adviceCommands,
  ...accesses,
  ...holds,
  ...rights,
  ...moving,
  ...sharing,
  ...taking,
  ...advised,
  ...together,
  ...losses,
  ...ends,
];
