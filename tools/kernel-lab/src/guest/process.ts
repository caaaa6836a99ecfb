import { createRequire } from 'node:module';

/** What `guest/process.c` offers. */
interface ProcessCalls {
  /** Changes the rights of memory; 0, or an errno. What they forbid ends the process. */
  protect(address: number, bytes: number, prot: number): number;
  /** Lets a child of a fork look for `old` in each page and make it `fresh`; 0 when it saw what it should. */
  forked(address: number, bytes: number, old: number, fresh: number): number;
}

/** Rights, as `mprotect` takes them. */
export const PROT = { none: 0, read: 1, write: 3 } as const;

/** Calls that no JavaScript can make otherwise. */
export const calls = createRequire(import.meta.url)(process.env['MIRRORSPACE_LAB_CALLS']!) as ProcessCalls;
