import { MirrorError } from '@mirrorspace/core';
import assert from 'node:assert/strict';

/** Whether an error is ours, with what the system said. */
export function refusal(code: string, errno?: string, call?: string) {
  return (error: unknown) => {
    assert.ok(error instanceof MirrorError, String(error));
    assert.equal(error.code, code, error.message);
    if (errno === undefined) return true;
    const cause = error.cause as { code: string; call: string; errno: number };
    assert.deepEqual([cause.code, cause.call], [errno, call]);
    assert.ok(cause.errno > 0);
    assert.match(error.message, new RegExp(`${call}.*${errno}`));
    return true;
  };
}
