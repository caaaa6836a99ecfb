import { type AttachOptions, createSpace, type JsProgram, LruEviction } from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';
import { describe, expect, it } from 'vitest';
import { openDevice, PAGE } from '../space/helpers.js';

/** Each unit copies the word of a page of its own to the next one. */
const copy: JsProgram = {
  language: 'js',
  run: (ctx, { x }, [address]) => {
    const at = Number(address) + 2 * x * PAGE;
    ctx.store32(at + PAGE, ctx.load32(at));
  },
};

const failure = new Error('the policy is broken');
const fail = (): never => {
  throw failure;
};

class Broken extends LruEviction {
  constructor(capacity: number, broken: 'insert' | 'victims') {
    super(capacity);
    this[broken] = fail;
  }
}

describe('a policy that throws costs its device, at once and with the reason', () => {
  const broken: Record<string, AttachOptions> = {
    'prefetch.plan': { prefetch: () => ({ name: 'broken', plan: fail }) },
    'eviction.victims': { eviction: (capacity) => new Broken(capacity, 'victims') },
    'eviction.insert': { eviction: (capacity) => new Broken(capacity, 'insert') },
    placement: { placement: fail },
    updateQueue: { updateQueue: fail },
    preemption: { preemption: fail },
  };
  it.each(Object.entries(broken))('%s', async (_name, options) => {
    const device = await openDevice(4);
    const space = await createSpace();
    const mirror = await space.attach(device, { prefetch: 'none', ...options });
    const { address } = space.map({ bytes: 16 * PAGE });
    await space.write(address, new Uint8Array(16 * PAGE).fill(9));
    const launch = mirror.launch(copy, { args: [address], grid: [8] });
    // The fence is the device's, which was closed; the mirror knows why.
    await expect(launch.wait({ timeoutMs: 5000 })).rejects.toMatchObject({ code: 'CLOSED' });
    const { error } = await mirror.lost;
    expect(error.code).toBe('DEVICE_LOST');
    expect([error.cause, (error.cause as Error).cause]).toContain(failure);
    expect(error.message).toContain(failure.message);
    await expect(mirror.prefetch(address, PAGE)).rejects.toBe(error);
    // Nothing was written anywhere: the CPU has all that it had.
    expect(await space.read(address, 16 * PAGE)).toEqual(new Uint8Array(16 * PAGE).fill(9));
    await space.close();
    await device.close();
  });
});

it('a backend that throws where it should take a submission costs its device, at once and with the reason', async () => {
  const device = await memory.open({ memory: 4 * PAGE, pageSizes: [PAGE] });
  const space = await createSpace();
  const mirror = await space.attach(device);
  const { address } = space.map({ bytes: 16 * PAGE });
  await space.write(address, new Uint8Array(16 * PAGE).fill(9));
  Object.assign(
    device.queues.find(({ paging }) => paging)!,
    { submit: fail },
  );
  const launch = mirror.launch(copy, { args: [address], grid: [8] });
  await expect(launch.wait({ timeoutMs: 5000 })).rejects.toMatchObject({ code: 'CLOSED' });
  const { error } = await mirror.lost;
  expect(error).toMatchObject({ code: 'DEVICE_LOST', cause: { code: 'CONTRACT_VIOLATION', cause: failure } });
  expect(await space.read(address, 16 * PAGE)).toEqual(new Uint8Array(16 * PAGE).fill(9));
  await space.close();
  await device.close();
});
