import {
  evictionPolicies,
  flushPolicies,
  placementPolicies,
  type PolicySet,
  policySets,
  prefetchPolicies,
  thrashingPolicies,
} from '@mirrorspace/core';
import type { Command } from 'commander';
import type { Io } from '../demo/progress.js';

/** Registers `mirrorspace policies`: what `space.attach` takes by name. */
export function addPolicies(program: Command, io: Io): void {
  program
    .command('policies')
    .description('List the policies that a device can be attached with.')
    .action(() => {
      for (const [name, set] of Object.entries(policySets)) io.stdout.write(`${name.padEnd(10)}${describe(set)}\n`);
      const kinds = { evictionPolicies, prefetchPolicies, placementPolicies, thrashingPolicies, flushPolicies };
      for (const [kind, named] of Object.entries(kinds))
        io.stdout.write(`${kind.replace('Policies', '').padEnd(10)}${Object.keys(named).join(', ')}\n`);
    });
}

function describe(set: PolicySet): string {
  return Object.entries(set)
    .map(([kind, choice]) => `${kind} ${typeof choice === 'function' ? 'of its own' : String(choice)}`)
    .join(', ');
}
