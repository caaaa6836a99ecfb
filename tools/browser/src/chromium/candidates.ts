import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Candidate } from './candidate.js';
import { npmChromium } from './npm.js';

/** The variable that names the browser to use. */
export const CHROMIUM_VARIABLE = 'MIRRORSPACE_CHROMIUM';

const COMMANDS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const ELSEWHERE = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** Browsers to try, in order: the one that the environment names and no other; else those of the system, then the one from npm. */
export function* candidates(env: NodeJS.ProcessEnv = process.env): Generator<Candidate> {
  const named = env[CHROMIUM_VARIABLE];
  if (named !== undefined && named !== '') {
    yield { path: named, origin: CHROMIUM_VARIABLE };
    return;
  }
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const installed = COMMANDS.flatMap((command) => folders.map((folder) => join(folder, command))).concat(ELSEWHERE);
  for (const path of installed) if (isExecutable(path)) yield { path, origin: 'the system' };
  const packaged = npmChromium();
  if (packaged !== undefined) yield packaged;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
