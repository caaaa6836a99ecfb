import { MirrorError, type Command } from '@mirrorspace/core/driver';
import { describe, expect, it, vi } from 'vitest';
import { ALL_FEATURES, memory } from '../src/index.js';
import { PAGE, Rig, RO, RW } from './helpers.js';

describe('queues', () => {
  it('run strictly in order and number their fences', async () => {
    const rig = await Rig.open();
    const stalled = rig.user.submit([rig.fill(0, 1, 1)]);
    const behind = rig.user.submit([rig.launch(() => undefined)]);
    const other = rig.second.submit([]);
    expect([stalled.value, behind.value, other.value]).toEqual([1, 2, 1]);
    expect([stalled.signaled, behind.signaled, other.signaled]).toEqual([false, false, true]);
    expect(rig.user.depth).toBe(2);
    rig.paging.submit([rig.map([0], [0]), rig.replay()]);
    expect([stalled.signaled, behind.signaled, rig.user.depth]).toEqual([true, true, 0]);
  });

  it('skip the rest of a submission that fails, and go on with the next', async () => {
    const rig = await Rig.open();
    rig.paging.submit([rig.map([0], [0])]);
    const fence = rig.user.submit([
      rig.fill(0, 1, 5),
      rig.launch(() => {
        throw new Error('stop');
      }),
      rig.fill(0, 1, 6),
    ]);
    expect(fence.error?.code).toBe('PROGRAM');
    const read = rig.read(0, 1);
    expect(rig.user.submit([read]).signaled).toBe(true);
    expect(read.into[0]).toBe(5);
  });

  it('start only after the fences they were given, and not at all if one failed', async () => {
    const rig = await Rig.open();
    const order: string[] = [];
    const first = rig.user.submit([rig.launch((ctx) => (ctx.load8(0), order.push('first')))]);
    const after = rig.second.submit([rig.launch(() => order.push('after'))], { after: [first] });
    const other = await memory.open();
    const far = other.queues.find((queue) => queue.paging)!.submit([], { after: [after] });
    expect([after.signaled, far.signaled]).toEqual([false, false]);
    rig.paging.submit([rig.map([0], [0]), rig.replay()]);
    expect(order).toEqual(['first', 'after']);
    expect(far.signaled).toBe(true);
    const failing = rig.user.submit([rig.launch((ctx) => ctx.load8(PAGE))]);
    const never = rig.second.submit([rig.launch(() => order.push('never'))], { after: [failing] });
    rig.paging.submit([rig.cancel([1], 1)]);
    expect(never.error).toMatchObject({ code: 'ACCESS_DENIED' });
    expect(order).not.toContain('never');
  });

  it('wait for fences of other makers', async () => {
    const rig = await Rig.open();
    let resolve = () => {};
    const foreign = {
      queue: 0,
      value: 1,
      signaled: false,
      error: undefined,
      wait: () => new Promise<void>((done) => (resolve = done)),
    };
    const fence = rig.user.submit([], { after: [foreign] });
    expect(fence.signaled).toBe(false);
    foreign.signaled = true;
    resolve();
    await fence.wait({ timeoutMs: 1000 });
  });

  it('refuse what is malformed or not claimed, and enqueue nothing then', async () => {
    const rig = await Rig.open({ features: [], memory: 16 * PAGE });
    const list = { mmu: rig.mmu.id, pageSize: PAGE, count: 1, pages: Float64Array.of(0) };
    const map = { kind: 'map', ...list, frames: Uint32Array.of(0), access: Uint8Array.of(RW) } as const;
    const wrong: [Command, unknown][] = [
      [{ ...map, pages: Float64Array.of(NaN) }, RangeError],
      [{ ...map, pages: Float64Array.of(-1) }, RangeError],
      [{ ...map, pages: Float64Array.of(2 ** 35) }, RangeError],
      [{ ...map, count: 2 }, RangeError],
      [{ ...map, count: 0.5 }, RangeError],
      [{ ...map, frames: Uint32Array.of(16) }, RangeError],
      [{ ...map, access: Uint8Array.of(0) }, RangeError],
      [{ ...map, mmu: 7 }, RangeError],
      [{ ...map, pageSize: 5000 }, RangeError],
      [{ ...map, pageSize: 65_536 }, 'UNSUPPORTED'],
      [{ ...map, access: Uint8Array.of(RO) }, 'UNSUPPORTED'],
      [
        { kind: 'migrate', mmu: rig.mmu.id, start: 0, end: PAGE, to: 'device', moved: new Uint32Array(1) },
        'UNSUPPORTED',
      ],
      [rig.read(2 ** 47 - 1, 2), RangeError],
      [rig.fill(0, 1, 256), RangeError],
      [rig.add(4, 1), 'UNSUPPORTED'],
      [rig.launch(() => undefined), 'UNSUPPORTED'],
      [{ kind: 'nothing' } as never, TypeError],
    ];
    for (const [command, expected] of wrong) {
      const submit = () => rig.user.submit([rig.fill(0, 1, 1), command]);
      if (typeof expected === 'string') expect(submit).toThrow(expect.objectContaining({ code: expected }));
      else expect(submit).toThrow(expected);
    }
    expect(() => rig.paging.submit([rig.fill(0, 1, 1)])).toThrow(MirrorError);
    expect(() => rig.user.submit([], { after: [1 as never] })).toThrow(TypeError);
    expect(rig.user.depth).toBe(0);
    expect(rig.user.submit([]).value).toBe(1);
  });

  it('fail at once where the device cannot stall', async () => {
    const rig = await Rig.open({ features: ALL_FEATURES.filter((feature) => feature !== 'replayable-faults') });
    rig.paging.submit([rig.map([1], [0], RO)]);
    expect(rig.user.submit([rig.fill(0, 1, 1)]).error).toMatchObject({ code: 'ADDRESS_NOT_MAPPED', address: 0 });
    expect(rig.user.submit([rig.fill(PAGE, 1, 1)]).error?.code).toBe('ACCESS_DENIED');
    expect(rig.user.submit([rig.launch((ctx) => ctx.load8(0))]).error?.code).toBe('ADDRESS_NOT_MAPPED');
    expect(rig.device.faults.pending).toBe(0);
  });

  it('count pages as used where the device has no bits for it', async () => {
    const rig = await Rig.open({ features: ['read-only-maps'] });
    const harvest = rig.harvest([0, 1, 2]);
    rig.paging.submit([rig.map([0], [0], RW), rig.map([1], [1], RO), harvest]);
    expect([...harvest.bits]).toEqual([3, 1, 0]);
  });

  it('time out with what they wait for, restart on progress, and can be aborted', async () => {
    const rig = await Rig.open();
    rig.user.submit([rig.fill(0, 1, 1)]);
    const behind = rig.user.submit([]);
    await expect(behind.wait({ timeoutMs: 20 })).rejects.toMatchObject({
      code: 'DEVICE_TIMEOUT',
      message: expect.stringContaining('behind 1 submission, head: fill') as string,
    });
    const abort = new AbortController();
    const waiting = behind.wait({ signal: abort.signal });
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(behind.wait({ timeoutMs: 0 })).rejects.toThrow(RangeError);
    vi.useFakeTimers();
    const patient = behind.wait({ timeoutMs: 40 });
    for (let i = 0; i < 8; i++) {
      await vi.advanceTimersByTimeAsync(35);
      rig.second.submit([rig.launch(() => undefined)]);
    }
    vi.useRealTimers();
    rig.paging.submit([rig.map([0], [0]), rig.replay()]);
    await patient;
  });
});

describe('teardown', () => {
  it('closing an MMU fails what is stalled on it and what comes later, and nothing else', async () => {
    const rig = await Rig.open();
    const other = await rig.device.createMmu({ addressBits: 40 });
    const fence = rig.user.submit([rig.fill(0, 1, 1)]);
    const elsewhere = rig.second.submit([{ kind: 'fill', mmu: other.id, address: 0, bytes: 1, value: 1 }]);
    await rig.mmu.close();
    await rig.mmu.close();
    expect(fence.error?.code).toBe('CLOSED');
    expect(elsewhere.error).toBeUndefined();
    expect(rig.device.faults.pending).toBe(1);
    expect(rig.user.submit([rig.fill(0, 1, 1)]).error?.code).toBe('CLOSED');
    expect(rig.paging.submit([rig.flush()]).error?.code).toBe('CLOSED');
  });

  it('closing the device fails all pending fences, and everything later', async () => {
    const rig = await Rig.open();
    const fences = [rig.user.submit([rig.fill(0, 1, 1)]), rig.user.submit([])];
    await rig.device.close();
    await rig.device.close();
    expect(fences.map((fence) => fence.error?.code)).toEqual(['CLOSED', 'CLOSED']);
    expect(await rig.device.lost).toMatchObject({ reason: 'closed' });
    expect(rig.user.submit([]).error?.code).toBe('CLOSED');
    await expect(rig.device.createMmu({ addressBits: 40 })).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('have the priorities they are given, and those that are said without', async () => {
    const of = async (options: Parameters<typeof memory.open>[0]) =>
      (await memory.open(options)).queues.map(({ paging, priority }) => `${paging ? 'paging' : 'user'} ${priority}`);
    expect(await of({ pagingQueues: 2 })).toEqual(['user normal', 'user normal', 'paging high', 'paging normal']);
    const priorities = ['low', 'high', 'normal'] as const;
    expect(await of({ pagingQueues: 2, priorities })).toEqual([
      'user low',
      'user high',
      'paging normal',
      'paging normal',
    ]);
    const features = ALL_FEATURES.filter((feature) => feature !== 'priorities');
    expect(await of({ features, priorities: ['high'] })).toEqual(['user normal', 'user normal', 'paging normal']);
  });

  it('names devices uniquely while they are open', async () => {
    const a = await memory.open();
    const b = await memory.open();
    expect(a.info.name).not.toBe(b.info.name);
    await expect(memory.open({ name: a.info.name })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await a.close();
    await (await memory.open({ name: a.info.name })).close();
    await b.close();
  });

  it('refuses options that make no sense', async () => {
    for (const options of [
      { memory: 'much' },
      { memory: 1 },
      { pageSizes: [3000] },
      { queues: 0 },
      { faultBuffer: 1.5 },
      { features: ['magic' as never] },
      { tlbEntries: 3 },
      { latency: { command: -1 } },
      { addressBits: 48 },
      { priorities: ['urgent'] as never },
      { priorities: 'high' as never },
      { priorities: ['high', 'high', 'high', 'high'] as never },
    ]) {
      await expect(memory.open(options)).rejects.toThrow(/./);
      expect((await memory.probe(options)).available).toBe(false);
    }
    expect((await memory.probe()).available).toBe(true);
  });
});
