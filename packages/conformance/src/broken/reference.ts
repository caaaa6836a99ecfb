import { findBackend, type TestedBackend } from '../backend.js';

/** The correct devices below broken ones: of one core fills the page tables, the other mirrors a process. */
export interface References {
  readonly managed: TestedBackend;
  readonly mirroring: TestedBackend;
}

/** Loads them. By name, at run time: the suite depends on no backend. */
export async function loadReferences(): Promise<References> {
  const load = async (name: string) => findBackend((await import(name)) as object);
  return { managed: await load('@mirrorspace/memory'), mirroring: await load('@mirrorspace/memory/mirroring') };
}
