import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { MirrorError } from '@mirrorspace/core';
import type { Addon } from './addon.js';

/** Why there is no addon here. */
export interface MissingAddon {
  /** What stands in the way. */
  readonly reason: string;
  /** What the user can do about it. */
  readonly remedy: string;
  /** What loading threw. */
  readonly cause?: unknown;
}

let loaded: Addon | MissingAddon | undefined;

/** The folder with `binding.gyp`, `build` and `prebuilds`: beside `src` and beside `dist`. */
function addonFolder(): string {
  const above = import.meta.url.includes('/dist/') ? '../addon' : '../../addon';
  return fileURLToPath(new URL(above, import.meta.url));
}

function load(): Addon | MissingAddon {
  if (process.platform !== 'linux') {
    return { reason: `this is ${process.platform}, not Linux`, remedy: 'use managedMemory of @mirrorspace/core' };
  }
  try {
    const require = createRequire(import.meta.url);
    const find = require('node-gyp-build') as (folder: string) => Addon;
    const addon = find(addonFolder());
    // A worker that waits in a fault would keep the process from its end, which joins all threads first.
    if (isMainThread) process.once('exit', () => addon.processEnds());
    return addon;
  } catch (cause) {
    const [reason = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    return {
      reason: `the addon does not load on ${process.platform}-${process.arch}: ${reason}`,
      remedy:
        'there are prebuilds for linux-x64 with glibc 2.34 or newer; elsewhere build it from the repository with `node backends/native/scripts/build.mjs`',
      cause,
    };
  }
}

/**
 * The addon, or why there is none. Never throws. Load it in the main thread, too, where workers use it: only there a thread that waits
 * in a fault is released when the process ends.
 */
export function findAddon(): Addon | MissingAddon {
  return (loaded ??= load());
}

/**
 * The addon.
 *
 * @throws MirrorError `UNSUPPORTED` with the reason and the remedy where it cannot be loaded.
 */
export function addon(): Addon {
  const found = findAddon();
  if (!('reason' in found)) return found;
  const { reason, remedy, cause } = found;
  throw new MirrorError('UNSUPPORTED', `@mirrorspace/native: ${reason}; ${remedy}`, { cause });
}
