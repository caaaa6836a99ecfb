import { checkRangeOptions, type RangeOptions } from './range-options.js';

/**
 * What becomes of a page that a device holds when the host wants to move it: the three answers of the 2014 RFC.
 *
 * - `forbid` it stays where it is on the host
 * - `migrate` (the RFC's special code inside migrate) its content moves on the host, the device keeps its copy, its frame and its
 *   entries, and learns the page's new number: no command is sent and nothing faults afterwards
 * - `unmap` (the RFC's special code inside try_to_unmap) it is taken off the device as by any unmapping, what is dirty comes home,
 *   and then it moves; the device faults it in again when it needs it
 */
export type HostMigrationPolicy = 'forbid' | 'migrate' | 'unmap';

/** Options of operations that move pages to other host frames. */
export interface HostMigrationOptions extends RangeOptions {
  /** What becomes of pages that devices hold. Default `migrate`. */
  readonly devicePages?: HostMigrationPolicy;
}

/**
 * Owner of the invalidations that host migration begins. Mirrors need none of them: their entries map device frames. Whatever
 * else keeps addresses of host frames must take note.
 */
export const HOST_MIGRATION = Symbol('host migration');

/** Checks options and fills in the policy. @throws TypeError */
export function checkHostMigration(options: HostMigrationOptions): HostMigrationPolicy {
  checkRangeOptions(options);
  const { devicePages = 'migrate' } = options;
  if (devicePages !== 'forbid' && devicePages !== 'migrate' && devicePages !== 'unmap')
    throw new TypeError(`devicePages must be 'forbid', 'migrate' or 'unmap', got ${String(devicePages)}`);
  return devicePages;
}
