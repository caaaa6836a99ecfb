import { type AttachOptions, createSpace } from '@mirrorspace/core';
import type { DeviceEvent } from '@mirrorspace/memory';
import { afterEach, expect, it, vi } from 'vitest';
import { openDevice, PAGE } from '../space/helpers.js';

/** Unmaps pages one by one, each in a turn of its own, without waiting for the device; gives how many flushes went out before anybody waited. */
async function flushes(flush: AttachOptions['flush'], pages: number): Promise<number> {
  let count = 0;
  const onEvent = ({ type, command }: DeviceEvent) => void (type === 'command' && command === 'flushTlb' && count++);
  const device = await openDevice(64, { onEvent });
  const space = await createSpace();
  const mirror = await space.attach(device, { prefetch: 'none', ...(flush !== undefined && { flush }) });
  const { address } = space.map({ bytes: 64 * PAGE });
  for (let page = 0; page < 64; page++) await mirror.read(address + page * PAGE, 1);
  count = 0;
  for (let page = 0; page < pages; page++) {
    // Entries change and nobody flushes: as a notifier of another kind would cause it.
    space.notifiers.begin('unmap', address + page * PAGE, address + (page + 1) * PAGE);
    space.notifiers.end();
    await Promise.resolve();
    await Promise.resolve();
  }
  const before = count;
  await space.flush();
  expect(count).toBeGreaterThan(0);
  await space.close();
  await device.close();
  return before;
}

it('waits for the flush point, goes at the end of each turn, or when more wait than may', async () => {
  expect(await flushes(undefined, 8)).toBe(0);
  expect(await flushes('immediate', 8)).toBe(8);
  expect(await flushes({ name: 'four', entries: 3, us: Infinity }, 8)).toBe(2);
  expect(await flushes('coalesced', 8)).toBe(0);
});

afterEach(() => {
  vi.useRealTimers();
});

it.each(['the last mirror is detached', 'the device is closed'])('leaves no timer behind when %s', async (end) => {
  const device = await openDevice(4);
  const space = await createSpace();
  const mirror = await space.attach(device, { flush: { name: 'late', entries: Infinity, us: 60e6 } });
  const { address } = space.map({ bytes: PAGE });
  await mirror.read(address, 1);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  space.notifiers.begin('unmap', address, address + PAGE);
  space.notifiers.end();
  expect(vi.getTimerCount()).toBe(1);
  if (end === 'the device is closed') await device.close();
  else await mirror.detach();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  await space.close();
  await device.close();
});

it('waits as long as timers can where a policy waits longer', async () => {
  const device = await openDevice(4);
  const space = await createSpace();
  const mirror = await space.attach(device, { flush: { name: 'late', entries: Infinity, us: 1e15 } });
  const { address } = space.map({ bytes: PAGE });
  await mirror.read(address, 1);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  space.notifiers.begin('unmap', address, address + PAGE);
  space.notifiers.end();
  vi.advanceTimersByTime(60_000);
  expect(vi.getTimerCount()).toBe(1);
  vi.useRealTimers();
  await space.close();
  await device.close();
});
