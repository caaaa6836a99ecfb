import { MirrorError } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { rows } from './all-rows.js';
import type { Row } from './rows.js';
import { createWorld, type World } from './world.js';

async function outcome(row: Row, world: World): Promise<string> {
  let result: unknown;
  try {
    result = row.call(world);
  } catch (error) {
    return row.async ? `thrown, not rejected: ${name(error)}` : name(error);
  }
  if (!row.async) {
    if (result instanceof Promise) result.catch(() => undefined);
    return 'returned';
  }
  try {
    await result;
    return 'resolved';
  } catch (error) {
    return name(error);
  }
}

function name(error: unknown): string {
  if (error instanceof MirrorError) return error.code;
  if (error instanceof TypeError) return 'TypeError';
  return error instanceof RangeError ? 'RangeError' : String(error);
}

const apis = [...new Set(rows.map((row) => row.api))];

describe.each(apis)('%s refuses', (api) => {
  it('every bad input at once, with nothing changed', async () => {
    const world = await createWorld();
    const untouched = await createWorld();
    const contents = await untouched.contents();
    await untouched.close();
    const before = await world.snapshot();
    const wrong: string[] = [];
    for (const row of rows.filter((one) => one.api === api)) {
      const seen = await outcome(row, world);
      if (seen !== row.fails) wrong.push(`${row.what}: ${seen} instead of ${row.fails}`);
      const after = await world.snapshot();
      try {
        expect(after).toEqual(before);
      } catch (error) {
        wrong.push(`${row.what}: changed something: ${String(error)}`);
        break;
      }
    }
    expect(wrong.join('\n')).toBe('');
    expect(await world.contents()).toEqual(contents);
    await world.close();
  });
});
