import { nextTurn } from '@mirrorspace/core/driver';
import { readClaims } from '../backend.js';
import { allCases } from '../cases/index.js';
import type { Case } from '../case.js';
import { runCase, type RunOptions } from '../run.js';
import type { RunnerMessage } from './messages.js';
import { watchStrays } from './strays.js';

/** What a runner runs. */
export interface RunnerOptions extends Pick<
  RunOptions,
  'backend' | 'backendOptions' | 'host' | 'cases' | 'seed' | 'timeLimitMs'
> {
  /** Addresses of the cases, in the order in which they are run. */
  readonly addresses: readonly string[];
}

/**
 * Runs cases where a guard cannot look, in another process, a page or a worker, and tells it by `send`, in order, what happens.
 * Never rejects.
 */
export async function runForGuard(options: RunnerOptions, send: (message: RunnerMessage) => void): Promise<void> {
  const stop = watchStrays((message) => send({ kind: 'stray', message }));
  try {
    const { backend, backendOptions, host, addresses } = options;
    const chosen = casesAt(addresses, options.cases);
    const claims = await readClaims(backend, backendOptions, host);
    send({ kind: 'open', backend: backend.name, device: claims.info.description });
    for (const tested of chosen) {
      send({ kind: 'begin', address: tested.address });
      const result = await runCase(tested, { ...options, claims });
      // Rejections that nobody handled are known by the next turn.
      if (result.status !== 'skip') await nextTurn();
      send({ kind: 'result', result });
    }
    send({ kind: 'end' });
  } catch (error) {
    send({ kind: 'refused', message: error instanceof Error ? error.message : String(error) });
  } finally {
    stop();
  }
}

/** The cases that have these addresses. @throws RangeError when there is none for one of them */
export function casesAt(addresses: readonly string[], cases: readonly Case[] = allCases): Case[] {
  const known = new Map(cases.map((tested) => [tested.address, tested]));
  return addresses.map((address) => {
    const found = known.get(address);
    if (found === undefined) throw new RangeError(`no case has the address ${address}`);
    return found;
  });
}
