import { readClaims, type TestedBackend } from '../backend.js';
import type { Case } from '../case.js';
import { runCase } from '../run.js';
import { breakBackend, type BrokenDevice } from './device.js';

/** Milliseconds a case may take on a broken device; a wait inside it may take a quarter. */
const LIMIT_MS = 1200;

/** How a broken device was found out. */
export interface Catch {
  readonly address: string;
  readonly rule: string;
  /** What the case said. */
  readonly message: string;
}

/** What became of one broken device. */
export interface Verdict {
  readonly broken: BrokenDevice;
  /** Absent: it escaped. */
  readonly caught: Catch | undefined;
  /** Cases that ran. */
  readonly ran: number;
  readonly timeMs: number;
}

/** The cases that may catch a device: those whose rule names what it breaks. */
export function casesNaming(rules: readonly string[], cases: readonly Case[]): Case[] {
  const tests = rules.map((rule) => new RegExp(`(?<![\\w-])${rule.replace(/[.+?^${}()|[\]\\*]/g, '\\$&')}(?![\\w])`));
  return cases.filter(({ rule }) => tests.some((test) => test.test(rule)));
}

/** Runs the cases that may catch a broken device, until one does. */
export async function hunt(reference: TestedBackend, broken: BrokenDevice, cases: readonly Case[]): Promise<Verdict> {
  const start = performance.now();
  const backend = breakBackend(reference, broken);
  const { options } = broken;
  const correct = breakBackend(reference, { ...(options && { options }), wrap: (device) => device });
  const claims = await readClaims(backend);
  const correctClaims = await readClaims(correct);
  let ran = 0;
  let caught: Catch | undefined;
  for (const tested of casesNaming(broken.rules, cases)) {
    const { status, message = '' } = await runCase(tested, { backend, claims, timeLimitMs: LIMIT_MS });
    await backend.release();
    if (status !== 'skip') ran++;
    if (status !== 'fail') continue;
    // It must be the defect that fails the case, and not what the device was opened with, nor a busy machine.
    const control = await runCase(tested, { backend: correct, claims: correctClaims, timeLimitMs: LIMIT_MS });
    await correct.release();
    if (control.status === 'fail') continue;
    caught = { address: tested.address, rule: tested.rule, message };
    break;
  }
  await backend.release();
  await correct.release();
  return { broken, caught, ran, timeMs: performance.now() - start };
}
