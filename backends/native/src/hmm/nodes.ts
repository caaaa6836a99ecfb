import { readdirSync } from 'node:fs';

const NODES = /^hmm_dmirror\d+$/;

/** Device nodes of the kernel's test device for heterogeneous memory; none on other systems. */
export function hmmNodes(): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/dev')
    .filter((name) => NODES.test(name))
    .sort()
    .map((name) => `/dev/${name}`);
}
