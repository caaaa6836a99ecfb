/** What a failed assertion throws: an ordinary error, whatever test runner is around. */
export class CheckError extends Error {
  /** Tells it from other errors. */
  override readonly name = 'CheckError';
}

/** What a refused call may throw or reject with: a `MirrorError` code or the name of a programming mistake. */
export type Refusal = string;

const SHOWN_BYTES = 16;

function show(value: unknown): string {
  if (ArrayBuffer.isView(value) && 'length' in value) {
    const items: unknown[] = Object.values(value);
    const more = items.length > SHOWN_BYTES ? ', …' : '';
    return `${value.constructor.name}(${items.length})[${items.slice(0, SHOWN_BYTES).join(', ')}${more}]`;
  }
  if (value instanceof Error) return `${nameOf(value)}: ${value.message}`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object' && value !== null) return JSON.stringify(value);
  return String(value);
}

/** The stable name of an error: the `code` of a `MirrorError`, else the class, e.g. `RangeError`. */
export function nameOf(error: unknown): string {
  if (error instanceof Error) {
    const code: unknown = 'code' in error ? error.code : undefined;
    return error.name === 'MirrorError' && typeof code === 'string' ? code : error.name;
  }
  return typeof error;
}

function same(actual: unknown, expected: unknown): boolean {
  if (Object.is(actual, expected)) return true;
  if (typeof actual !== 'object' || typeof expected !== 'object' || actual === null || expected === null) return false;
  if (ArrayBuffer.isView(actual) !== ArrayBuffer.isView(expected)) return false;
  const keys = Object.keys(expected);
  if (keys.length !== Object.keys(actual).length) return false;
  return keys.every((key) => same(Reflect.get(actual, key), Reflect.get(expected, key)));
}

/** Fails with `message`. */
export function fail(message: string): never {
  throw new CheckError(message);
}

/** Fails unless `condition` holds. */
export function ok(condition: unknown, what: string): asserts condition {
  if (!condition) fail(what);
}

/** Fails unless both are the same value. */
export function equal<T>(actual: T, expected: T, what: string): void {
  if (!Object.is(actual, expected)) fail(`${what}: expected ${show(expected)}, got ${show(actual)}`);
}

/** Fails unless both have the same structure. */
export function deepEqual(actual: unknown, expected: unknown, what: string): void {
  if (!same(actual, expected)) fail(`${what}: expected ${show(expected)}, got ${show(actual)}`);
}

/** Fails unless both hold the same bytes, naming the first that differs and how many do. */
export function bytesEqual(actual: Uint8Array, expected: Uint8Array, what: string): void {
  if (actual.length !== expected.length) fail(`${what}: expected ${expected.length} bytes, got ${actual.length}`);
  let first = -1;
  let differing = 0;
  for (let i = 0; i < expected.length; i++) {
    if (actual[i] === expected[i]) continue;
    if (first < 0) first = i;
    differing++;
  }
  if (first < 0) return;
  const near = `expected ${show(expected.slice(first, first + 4))}, got ${show(actual.slice(first, first + 4))}`;
  fail(`${what}: ${differing} of ${expected.length} bytes differ, the first at offset ${first}: ${near}`);
}

/** Fails unless `call` throws one of `refusals` at once. */
export function throws(call: () => unknown, refusals: readonly Refusal[], what: string): void {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    judge(error, refusals, what);
    return;
  }
  fail(`${what}: expected ${refusals.join(' or ')} at once, but the call returned ${show(typeof result)}`);
}

/** Fails unless `promise` rejects with one of `refusals`. */
export async function rejects(promise: Promise<unknown>, refusals: readonly Refusal[], what: string): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    judge(error, refusals, what);
    return error as Error;
  }
  return fail(`${what}: expected ${refusals.join(' or ')}, but it succeeded`);
}

/** Fails unless `call` throws or its promise rejects, with one of `refusals`. */
export async function refuses(call: () => unknown, refusals: readonly Refusal[], what: string): Promise<void> {
  await rejects(
    (async () => {
      await call();
    })(),
    refusals,
    what,
  );
}

function judge(error: unknown, refusals: readonly Refusal[], what: string): void {
  if (error instanceof CheckError) throw error;
  const name = nameOf(error);
  if (refusals.length === 0 || refusals.includes(name)) return;
  fail(`${what}: expected ${refusals.join(' or ')}, got ${show(error)}`);
}
