import { afterEach, describe, expect, it } from 'vitest';
import { MirrorError, queuePolicies, type QueuePolicyName } from '@mirrorspace/core';
import { idle, ROUND_US, queueWorld, type QueueWorld } from './queue-world.js';
import { PAGE } from '../space/helpers.js';

const FIRST_USER = 0;
const SECOND_USER = 1;
const PAGING = 2;
const SECOND_PAGING = 3;

const open: QueueWorld[] = [];

async function world(...args: Parameters<typeof queueWorld>): Promise<QueueWorld> {
  const made = await queueWorld(...args);
  open.push(made);
  return made;
}

afterEach(async () => {
  for (const { space, device } of open.splice(0)) {
    await space.close();
    await device.close();
  }
});

/** Maps pages and puts them on the device. */
async function resident({ space, mirror }: QueueWorld, pages: number): Promise<number> {
  const { address } = space.map({ bytes: pages * PAGE });
  await mirror.fill(address, pages * PAGE, 7);
  return address;
}

describe('the queue of an update', () => {
  it('is the paging queue by default', async () => {
    const t = await world();
    const at = await resident(t, 4);
    const rounds = t.mirror.launch(idle, { queue: SECOND_USER, grid: [256 * 4] });
    await t.space.unmap(at, 2 * PAGE);
    expect(new Set(t.ran('unmap'))).toEqual(new Set([PAGING]));
    expect(rounds.signaled).toBe(false);
    await rounds.wait();
  });

  it('is the one that the last launch used, where that is asked for: the flush waits for what is in front', async () => {
    const t = await world({ updateQueue: 'user' });
    const at = await resident(t, 4);
    const launches = [1, 2, 3].map(() => t.mirror.launch(idle, { queue: SECOND_USER }));
    const before = t.device.now();
    const done = t.space.unmap(at, 2 * PAGE);
    await done;
    expect(launches.every((fence) => fence.signaled)).toBe(true);
    expect(t.ran('unmap')).toEqual([SECOND_USER]);
    expect(t.device.now() - before).toBeGreaterThanOrEqual(3 * ROUND_US);
  });

  it('is a free user queue, if a policy of its own says so; faults and recalls stay on paging queues', async () => {
    const asked: string[] = [];
    const t = await world({
      updateQueue: ({ kind, queues }) => {
        asked.push(`${kind}/${queues.length}`);
        return kind === 'flush' ? FIRST_USER : 0;
      },
    });
    const at = await resident(t, 4);
    await t.space.unmap(at, PAGE);
    await t.space.read(at + PAGE, 8);
    expect(new Set(asked)).toEqual(new Set(['fault/1', 'flush/3', 'recall/1']));
    expect(t.ran('unmap')).toEqual([FIRST_USER]);
    expect(t.ran('copyOut')).toEqual([PAGING]);
  });

  it('is asked for once a flush, so that a policy can take turns', async () => {
    let turn = 0;
    const t = await world({ updateQueue: ({ kind }) => (kind === 'flush' ? turn++ % 2 : 0) });
    const at = await resident(t, 4);
    for (let page = 0; page < 4; page++) await t.space.unmap(at + page * PAGE, PAGE);
    expect(t.ran('unmap')).toEqual([FIRST_USER, SECOND_USER, FIRST_USER, SECOND_USER]);
  });

  it('is the paging queue where a policy gives no index', async () => {
    for (const answer of [-1, 99, 0.5, NaN]) {
      const t = await world({ updateQueue: () => answer });
      const at = await resident(t, 1);
      await t.space.unmap(at, PAGE);
      expect(t.ran('unmap')).toEqual([PAGING]);
    }
  });

  it('must be chosen alike by all mirrors of a device', async () => {
    const t = await world({ updateQueue: 'user', preemption: 'always' });
    const child = await t.space.fork();
    await expect(child.attach(t.device, { updateQueue: 'paging' })).rejects.toThrow(MirrorError);
    await expect(child.attach(t.device, { preemption: 'never' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await child.attach(t.device, { updateQueue: 'user' });
    await child.close();
  });
});

describe('a flush that waits in a user queue', () => {
  it('is taken along by the service of a fault: what stands in front may stall on that', async () => {
    const t = await world({ updateQueue: 'user', timeoutMs: 60_000 });
    const at = await resident(t, 4);
    const fresh = t.space.map({ bytes: PAGE }).address;
    const held = await t.space.acquire(fresh, 8, 'write');
    const run = (ctx: { store32(at: number, value: number): void }) => ctx.store32(fresh, 5);
    const launch = t.mirror.launch({ language: 'js', run });
    // The launch stalls on the held page, so it cannot end before the flush has.
    await t.space.unmap(at, PAGE);
    expect(launch.signaled).toBe(false);
    held.release();
    await launch.wait();
    expect((await t.space.read(fresh, 1))[0]).toBe(5);
  });

  it('is taken along by a recall, and waits no longer', async () => {
    const t = await world({ updateQueue: 'user' });
    const at = await resident(t, 4);
    const launch = t.mirror.launch(idle, { grid: [256 * 8] });
    const flushed = t.space.unmap(at, PAGE);
    await Promise.resolve();
    await Promise.resolve();
    await t.space.read(at + PAGE, 8);
    await flushed;
    expect(launch.signaled).toBe(false);
    expect(t.ran('unmap')).toEqual([PAGING]);
    await launch.wait();
  });

  it('is taken along by a launch, which sees it', async () => {
    const t = await world({ updateQueue: 'user' });
    const at = await resident(t, 4);
    const first = t.mirror.launch(idle);
    const flushed = t.space.unmap(at, PAGE);
    await Promise.resolve();
    await Promise.resolve();
    const run = (ctx: { load32(at: number): number }) => void ctx.load32(at);
    const second = t.mirror.launch({ language: 'js', run });
    await flushed;
    await first.wait();
    await expect(second.wait()).rejects.toMatchObject({ code: 'ADDRESS_NOT_MAPPED' });
  });

  it('waits no longer than a part of the time limit for work that makes no progress', async () => {
    const t = await world({ updateQueue: 'user', timeoutMs: 200 });
    const other = await world();
    const at = await resident(t, 4);
    const fresh = other.space.map({ bytes: PAGE }).address;
    const held = await other.space.acquire(fresh, 8, 'write');
    const gate = other.mirror.launch({ language: 'js', run: (ctx) => ctx.store32(fresh, 1) });
    const behind = t.mirror.launch(idle, { after: [gate] });
    await t.space.unmap(at, PAGE);
    expect(t.ran('unmap')).toEqual([PAGING]);
    expect(behind.signaled).toBe(false);
    held.release();
    await behind.wait();
  });

  it('ends with the device', async () => {
    const t = await queueWorld({ updateQueue: 'user' });
    const at = await resident(t, 4);
    t.mirror.launch(idle);
    const flushed = t.space.unmap(at, PAGE);
    await Promise.resolve();
    await Promise.resolve();
    await t.device.close();
    await flushed;
    expect(t.ran('unmap')).toEqual([]);
    await t.space.close();
  });

  it('shares its submission with all that comes until it is sent', async () => {
    const t = await world({ updateQueue: 'user' });
    const at = await resident(t, 16);
    const launch = t.mirror.launch(idle);
    const done: Promise<void>[] = [];
    for (let page = 0; page < 16; page++) {
      done.push(t.space.unmap(at + page * PAGE, PAGE));
      await Promise.resolve();
    }
    await Promise.all(done);
    expect(launch.signaled).toBe(true);
    expect(t.ran('unmap')).toEqual([FIRST_USER]);
    expect(t.mirror.stats.flushes).toBe(1);
  });
});

describe('updates on several queues', () => {
  it('take effect in the order in which they are sent, whatever queue is the next', async () => {
    const options = { memory: 4 * PAGE, pagingQueues: 2 };
    let turn = 0;
    const t = await world({ updateQueue: ({ queues }) => turn++ % queues.length }, options);
    const { address } = t.space.map({ bytes: 16 * PAGE });
    for (let i = 0; i < 64; i++) await t.mirror.write(address + ((i * 5) % 16) * PAGE + i, Uint8Array.of(i + 1));
    const bytes = await t.space.read(address, 16 * PAGE);
    for (let i = 0; i < 64; i++) expect(bytes[((i * 5) % 16) * PAGE + i]).toBe(i + 1);
    expect(new Set(t.ran('copyIn'))).toEqual(new Set([PAGING, SECOND_PAGING]));
  });

  it('go on after arrivals that the device refused', async () => {
    const options = { pagingQueues: 2, faults: [{ do: 'outOfMemory', at: { kind: 'map', nth: 3 } }] } as const;
    const order = { flush: SECOND_PAGING, fault: 0, recall: 0 };
    const t = await world({ updateQueue: ({ kind }) => order[kind] }, options);
    const at = await resident(t, 2);
    const { address } = t.space.map({ bytes: PAGE });
    const refused = t.mirror.prefetch(address, PAGE);
    await Promise.resolve();
    await Promise.resolve();
    // Sent to another queue while the arrival is under way.
    await t.space.unmap(at, PAGE);
    await refused;
    expect(t.events.filter(({ type }) => type === 'fail')).toHaveLength(1);
    expect(t.ran('unmap')[0]).toBe(SECOND_PAGING);
    await t.mirror.write(address, Uint8Array.of(9));
    expect(await t.space.read(address, 1)).toEqual(Uint8Array.of(9));
  });

  it('are all there are, by every named policy', async () => {
    for (const updateQueue of Object.keys(queuePolicies) as QueuePolicyName[]) {
      const t = await world({ updateQueue }, { memory: 4 * PAGE, pagingQueues: 2 });
      const { address } = t.space.map({ bytes: 8 * PAGE });
      await t.mirror.fill(address, 8 * PAGE, 3);
      await t.space.unmap(address, PAGE);
      expect(await t.space.read(address + PAGE, 1)).toEqual(Uint8Array.of(3));
    }
  });
});
