import { MirrorError } from '@mirrorspace/core/driver';
import { readdirSync } from 'node:fs';
import { CAPABILITIES } from './abi.js';
import { DrmFile } from './file.js';

const FOLDER = '/dev/dri';
const PRIMARY = /^card\d+$/;

/** Primary nodes of DRM devices; none on other systems. */
export function cards(): string[] {
  if (process.platform !== 'linux') return [];
  try {
    return readdirSync(FOLDER)
      .filter((name) => PRIMARY.test(name))
      .sort()
      .map((name) => `${FOLDER}/${name}`);
  } catch {
    return [];
  }
}

/**
 * Opens a node of a device that has what is needed.
 * @throws MirrorError `UNSUPPORTED` where it has not, or is something else, with the system's error as cause
 */
export function openNode(device: string, path: string): DrmFile {
  const file = new DrmFile(device, path);
  try {
    const driver = file.driver();
    for (const { capability, bits, what } of CAPABILITIES) {
      if ((file.capability(capability) & bits) === bits) continue;
      throw new MirrorError('UNSUPPORTED', `${path}: the driver ${driver} has no ${what}`, { device });
    }
    file.dropMaster();
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

/** What {@link openNode} would open. */
export function usableCards(): string[] {
  return cards().filter((path) => {
    try {
      openNode('drm', path).close();
      return true;
    } catch {
      return false;
    }
  });
}
