import { afterEach, describe, expect, it } from 'vitest';
import type { AttachOptions } from '@mirrorspace/core';
import type { MemoryOptions } from '@mirrorspace/memory';
import { idle, queueWorld, type QueueWorld, ROUND_US } from './queue-world.js';
import { PAGE } from '../space/helpers.js';

/** Saving 16 units, and then three commands: unmap, flushTlb and the discard of a frame. */
const SAVED_US = 16 + 3;

const open: QueueWorld[] = [];

afterEach(async () => {
  for (const { space, device } of open.splice(0)) {
    await space.close();
    await device.close();
  }
});

/** Flushes one page after the other while a launch of `units` work units runs; how often it was interrupted, and what each flush took. */
async function flushes(
  attach: AttachOptions,
  options: MemoryOptions,
  units = 16,
  count = 8,
): Promise<{ preempted: number; us: number[] }> {
  const t = await queueWorld(attach, { residentUnits: 16, ...options });
  open.push(t);
  const { address } = t.space.map({ bytes: count * PAGE });
  await t.mirror.fill(address, count * PAGE, 1);
  const launch = t.mirror.launch(idle, { grid: [units * 64] });
  const us: number[] = [];
  for (let page = 0; page < count; page++) {
    const since = t.device.now();
    await t.space.unmap(address + page * PAGE, PAGE);
    us.push(t.device.now() - since);
  }
  expect(launch.signaled).toBe(false);
  await launch.wait();
  return { preempted: t.events.filter(({ type }) => type === 'preempt').length, us };
}

describe('preemption', () => {
  it('is not asked for by default: a flush waits for the round that runs', async () => {
    const { preempted, us } = await flushes({}, { preemptionUs: 1 });
    expect(preempted).toBe(0);
    expect(Math.min(...us)).toBeGreaterThan(ROUND_US / 2);
  });

  it('costs what saving every unit costs, always if always wanted', async () => {
    const { preempted, us } = await flushes({ preemption: 'always' }, { preemptionUs: 1 });
    expect(preempted).toBe(8);
    // The first has no frame to discard yet.
    expect(us).toEqual([SAVED_US - 1, ...Array.from({ length: 7 }, () => SAVED_US)]);
  });

  it('is not asked for only to say that frames are free', async () => {
    const t = await queueWorld({ preemption: 'always' }, { residentUnits: 16, preemptionUs: 1 });
    open.push(t);
    const { address } = t.space.map({ bytes: PAGE });
    await t.mirror.fill(address, PAGE, 1);
    const launch = t.mirror.launch(idle, { grid: [16 * 8] });
    await t.space.unmap(address, PAGE);
    const flushed = t.events.length;
    await t.mirror.launch(idle).wait();
    expect(t.ran('discard', flushed)).toHaveLength(1);
    expect(t.events.slice(flushed).filter(({ type }) => type === 'preempt')).toEqual([]);
    await launch.wait();
  });

  it('is weighed: wanted after a wait that took longer than it costs, never where it costs more', async () => {
    const cheap = await flushes({ preemption: 'weigh' }, { preemptionUs: 1 });
    expect(cheap.us[0]).toBeGreaterThan(ROUND_US / 2);
    expect(cheap.us.slice(1)).toEqual(Array.from({ length: 7 }, () => SAVED_US));
    const dear = await flushes({ preemption: 'weigh' }, { preemptionUs: 100 });
    expect(dear.preempted).toBe(0);
  });

  it('counts the units of launches that have not ended, where they are fewer than fit', async () => {
    const options = { residentUnits: 1024, preemptionUs: 10 };
    const asked: number[] = [];
    const preemption: AttachOptions['preemption'] = ({ residentUnits }) => asked.push(residentUnits) < 0;
    const t = await queueWorld({ preemption }, options);
    open.push(t);
    const { address } = t.space.map({ bytes: 4 * PAGE });
    const launch = t.mirror.launch(idle, { grid: [16, 3] });
    await t.mirror.prefetch(address, PAGE);
    await launch.wait();
    t.mirror.launch(idle, { grid: [4096] });
    await t.mirror.prefetch(address + PAGE, PAGE);
    expect(asked).toEqual([48, 1024]);
  });

  it('is not asked of a device that does not claim it', async () => {
    const { preempted } = await flushes(
      { preemption: 'always' },
      { features: ['queues', 'priorities', 'program:js', 'replayable-faults', 'dirty-bits', 'read-only-maps'] },
    );
    expect(preempted).toBe(0);
  });

  it('lets work go on that pages move under: two devices do not take a page from each other for ever', async () => {
    const t = await queueWorld({ preemption: 'always' });
    const u = await queueWorld({ preemption: 'always' });
    open.push(t, u);
    const other = await t.space.attach(u.device, { preemption: 'always', prefetch: 'none', timeoutMs: 4000 });
    const { address } = t.space.map({ bytes: PAGE });
    const program = {
      language: 'js',
      run: (ctx: { atomicAdd(at: number, by: number): number }) => void ctx.atomicAdd(address, 1),
    } as const;
    const fences = [t.mirror, other].flatMap((mirror) => [1, 2, 3].map(() => mirror.launch(program, { grid: [8] })));
    for (const fence of fences) await fence.wait();
    expect(new Uint32Array((await t.space.read(address, 4)).buffer)[0]).toBe(48);
  });
});
