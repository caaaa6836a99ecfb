import { findBackend, type TestedBackend } from '../backend.js';

const REFERENCE: string = '@mirrorspace/memory';

/** Loads the reference device, the correct one below every broken device. By name, at run time: the suite depends on no backend. */
export async function loadReference(): Promise<TestedBackend> {
  return findBackend((await import(REFERENCE)) as object);
}
