import { IdList } from '@mirrorspace/core';
import type * as threads from 'node:worker_threads';
import { expect, it, vi } from 'vitest';
import { nativeMemory } from '../../src/index.js';

const allowed = vi.hoisted(() => ({ workers: true }));
vi.mock('node:worker_threads', async (original) => {
  const real = await original<typeof threads>();
  class Worker extends real.Worker {
    constructor(...given: ConstructorParameters<typeof threads.Worker>) {
      if (!allowed.workers) throw Object.assign(new Error('no more threads'), { code: 'ERR_WORKER_INIT_FAILED' });
      super(...given);
    }
  }
  return { ...real, Worker };
});

it('a range that cannot be opened for want of a thread leaves nothing', async () => {
  const { live } = nativeMemory({ faultHandler: 'worker' });
  allowed.workers = false;
  for (let i = 0; i < 2; i++)
    expect(() => live.open(4)).toThrow(expect.objectContaining({ code: 'OUT_OF_HOST_MEMORY' }));
  allowed.workers = true;
  const range = live.open(4);
  const first = range.first;
  range.close();
  expect(live.collect(first, 4, new IdList())).toBe(0);
});
