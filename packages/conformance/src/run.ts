import { readClaims, type Claims, type HostMaker, type TestedBackend } from './backend.js';
import { allCases } from './cases/index.js';
import type { Case } from './case.js';
import { CheckError, nameOf } from './check.js';
import { Env } from './env.js';
import { createRng } from './frames.js';
import { pageSizeOf, whySkip } from './needs.js';
import { REPORT_VERSION, type Report, type Result } from './report/index.js';

/** What to run, and how. */
export interface RunOptions {
  /** The backend under test. */
  readonly backend: TestedBackend;
  /** Given to `backend.open` for every device. */
  readonly backendOptions?: unknown;
  /** Makes the host memory of every space. Default: what the backend offers, or core's managed memory. */
  readonly host?: HostMaker;
  /** Default: all. */
  readonly cases?: readonly Case[];
  /** Keeps the cases that match one of these; see {@link filterCases}. Default: all. */
  readonly filter?: readonly string[];
  /** Seeds every case's random numbers and shuffles their order. Default: seed 1, in the order of definition. */
  readonly seed?: number;
  /** Milliseconds one case may take. Default 20,000. */
  readonly timeLimitMs?: number;
  /** Called after every case. */
  readonly onResult?: (result: Result, done: number, total: number) => void;
}

/** Milliseconds one case may take unless said otherwise. */
export const TIME_LIMIT_MS = 20_000;
const WAITS_A_LIMIT = 4;

/**
 * Keeps the cases that match one of `filters`: a part of the address (with `*` for anything), `tag:name`, or `area:name`.
 * No filter keeps all.
 */
export function filterCases(cases: readonly Case[], filters: readonly string[] = []): Case[] {
  if (filters.length === 0) return [...cases];
  const tests = filters.map(matcher);
  return cases.filter((tested) => tests.some((test) => test(tested)));
}

function matcher(filter: string): (tested: Case) => boolean {
  const pattern = (text: string): RegExp =>
    new RegExp(
      text
        .split('*')
        .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
        .join('.*'),
    );
  const [head, ...rest] = filter.split(':');
  if (head === 'tag' && rest.length) {
    const tag = new RegExp(`^${pattern(rest.join(':')).source}$`);
    return ({ tags }) => tags.some((text) => tag.test(text));
  }
  if (head === 'area' && rest.length) return ({ area }) => area === rest.join(':');
  const address = pattern(filter);
  return (tested) => address.test(tested.address);
}

/** The same cases in an order that the seed decides (Fisher and Yates). */
export function shuffleCases(cases: readonly Case[], seed: number): Case[] {
  const rng = createRng(seed);
  const out = [...cases];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(rng() * (i + 1));
    const [a, b] = [out[i], out[j]];
    if (a && b) [out[i], out[j]] = [b, a];
  }
  return out;
}

/** Runs cases one after the other, each on devices of its own. Rejects only when the backend cannot be opened at all. */
export async function runCases(options: RunOptions): Promise<Report> {
  const { backend, backendOptions, host, seed } = options;
  const claims = await readClaims(backend, backendOptions, host);
  const chosen = filterCases(options.cases ?? allCases, options.filter);
  const ordered = seed === undefined ? chosen : shuffleCases(chosen, seed);
  const results: Result[] = [];
  for (const tested of ordered) {
    const result = await runCase(tested, { ...options, claims });
    results.push(result);
    options.onResult?.(result, results.length, ordered.length);
  }
  return { version: REPORT_VERSION, backend: backend.name, device: claims.info.description, results };
}

/** What {@link runCase} needs to know. */
export interface CaseContext {
  /** The backend under test. */
  readonly backend: TestedBackend;
  /** Given to `backend.open` for every device. */
  readonly backendOptions?: unknown;
  /** What its devices claim; see {@link readClaims}. */
  readonly claims: Claims;
  /** Seeds the random numbers of the case. Default 1. */
  readonly seed?: number;
  /** Milliseconds the case may take. Default 20,000. */
  readonly timeLimitMs?: number;
}

/** Runs one case with its leak checks. Never rejects. */
export async function runCase(tested: Case, context: CaseContext): Promise<Result> {
  const { address, area, tags } = tested;
  const reason = whySkip(tested, context.claims);
  if (reason !== undefined) return { address, area, tags, status: 'skip', timeMs: 0, message: reason };
  const start = performance.now();
  const failure = await attempt(tested, context);
  const timeMs = Math.round((performance.now() - start) * 1000) / 1000;
  if (failure === undefined) return { address, area, tags, status: 'pass', timeMs };
  return { address, area, tags, status: 'fail', timeMs, message: explain(tested, failure) };
}

async function attempt(tested: Case, context: CaseContext): Promise<unknown> {
  const limit = context.timeLimitMs ?? TIME_LIMIT_MS;
  const env = new Env({
    ...context,
    params: tested.params,
    variant: tested.variant,
    pageSize: pageSizeOf(tested, context.claims),
    seed: context.seed ?? 1,
    waitMs: Math.max(1, Math.floor(limit / WAITS_A_LIMIT)),
  });
  const failure = await bounded(
    tested.run(env),
    limit,
    () => `the case did not end within ${limit} ms; ${env.describe()}`,
  );
  const leak = await bounded(env.finish(), limit, () => `clean-up did not end within ${limit} ms; ${env.describe()}`);
  return failure ?? leak;
}

/** Waits for `work` and gives what it failed with; a late end is ignored, a late failure too. */
async function bounded(work: Promise<void>, limitMs: number, late: () => string): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expired = new Promise<unknown>((resolve) => {
    timer = setTimeout(() => resolve(new CheckError(late())), limitMs);
  });
  const ended = work.then(
    () => undefined,
    (error: unknown) => error ?? new CheckError('the case failed without an error'),
  );
  try {
    return await Promise.race([ended, expired]);
  } finally {
    clearTimeout(timer);
  }
}

function explain(tested: Case, failure: unknown): string {
  const text = failure instanceof CheckError ? failure.message : `unexpected ${nameOf(failure)}: ${describe(failure)}`;
  return `${text}\n  rule: ${tested.rule}\n  mend: ${tested.mend}`;
}

function describe(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  const frame = failure.stack?.split('\n').find((line) => line.trimStart().startsWith('at '));
  return frame === undefined ? failure.message : `${failure.message} (${frame.trim()})`;
}
