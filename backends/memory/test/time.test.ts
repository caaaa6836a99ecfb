import { describe, expect, it } from 'vitest';
import {
  type DeviceEvent,
  type FaultScript,
  type MemoryOptions,
  POISON,
  SimClock,
  TYPICAL_LATENCY,
} from '../src/index.js';
import { copyIn, hostFrames, PAGE, Rig } from './helpers.js';

/** A session with stalls, several queues and a serving host; returns the trace. */
async function session(options: MemoryOptions): Promise<string> {
  const events: DeviceEvent[] = [];
  const rig = await Rig.open({
    latency: TYPICAL_LATENCY,
    name: 'traced',
    onEvent: (event) => events.push(event),
    ...options,
  });
  const host = hostFrames(16);
  rig.device.faults.listen(() => {
    for (const [page] of rig.faults()) {
      rig.paging.submit([copyIn(host, [page], [page]), rig.map([page], [page]), rig.replay()]);
    }
  });
  const fences = [
    rig.user.submit([rig.launch((ctx, id) => ctx.atomicAdd((id.x % 16) * PAGE, 1), 100)]),
    rig.second.submit([rig.fill(3 * PAGE, 2 * PAGE, 1), rig.launch((ctx, id) => ctx.store32(id.x * 4, id.x), 20)]),
    rig.second.submit([rig.read(0, 16 * PAGE)]),
  ];
  await Promise.all(fences.map((fence) => fence.wait()));
  await rig.device.close();
  return events.map((event) => JSON.stringify(event)).join('\n');
}

describe('simulated time', () => {
  it('gives the same trace byte for byte for the same seed, and another for another', async () => {
    const first = await session({ seed: 7 });
    expect(await session({ seed: 7 })).toBe(first);
    expect(await session({ seed: 8 })).not.toBe(first);
    const reordered = await session({ seed: 7, faults: [{ do: 'reorder' }] });
    expect(await session({ seed: 7, faults: [{ do: 'reorder' }] })).toBe(reordered);
    expect(first.split('\n').length).toBeGreaterThan(50);
  });

  it('passes as the model says', async () => {
    const rig = await Rig.open({
      latency: { command: 2, commands: { copyIn: 5 }, copyBytesPerUs: 1024, unitUs: 10 },
      residentUnits: 4,
    });
    const host = hostFrames(2);
    const copy = rig.paging.submit([copyIn(host, [0, 1], [0, 1])]);
    expect(copy.signaled).toBe(false);
    await copy.wait();
    expect(rig.device.now()).toBe(5 + 8);
    await rig.user.submit([rig.launch(() => undefined, 10)]).wait();
    expect(rig.device.now()).toBe(13 + 2 + 3 * 10);
  });

  it('lets the host have its turn between events, through the clock it was given', async () => {
    let turns = 0;
    const clock = new SimClock({ yield: () => Promise.resolve(void turns++) });
    const [a, b] = [
      await Rig.open({ clock, latency: { command: 3 } }),
      await Rig.open({ clock, latency: { command: 5 } }),
    ];
    const fences = [a.paging.submit([a.flush(), a.flush()]), b.paging.submit([b.flush()])];
    await fences[0]!.wait();
    expect([clock.now, fences[1]!.signaled]).toEqual([6, true]);
    expect(turns).toBe(3);
  });

  it('serves the queue of the higher priority next, but does not interrupt for it', async () => {
    const order: string[] = [];
    const rig = await Rig.open({ latency: { command: 1, unitUs: 100 }, residentUnits: 1 });
    const long = rig.user.submit([rig.launch(() => order.push('unit'), 3)]);
    const quick = rig.paging.submit([rig.flush()]);
    await quick.wait();
    expect(order).toEqual(['unit']);
    expect(rig.device.now()).toBe(102);
    await long.wait();
    expect(rig.device.now()).toBe(302);
  });

  it('interrupts running units for an urgent submission, at a price a resident unit', async () => {
    const rig = await Rig.open({ latency: { command: 1, unitUs: 100 }, residentUnits: 8, preemptionUs: 2 });
    const long = rig.user.submit([rig.launch(() => undefined, 8)]);
    const quick = rig.paging.submit([rig.flush()], { urgent: true });
    await quick.wait();
    expect(rig.device.now()).toBe(2 * 8 + 1);
    expect(long.signaled).toBe(false);
    await long.wait();
    expect(rig.device.now()).toBe(2 * 8 + 1 + 101);
  });

  it('does not interrupt on a device that cannot', async () => {
    const rig = await Rig.open({ latency: { command: 1, unitUs: 100 }, features: ['program:js', 'priorities'] });
    rig.user.submit([rig.launch(() => undefined, 8)]);
    expect(() => rig.paging.submit([rig.flush()], { urgent: true })).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED' }),
    );
    await rig.paging.submit([rig.flush()]).wait();
    expect(rig.device.limits.preemptionUs).toBe(0);
    expect(rig.device.now()).toBe(102);
  });
});

describe('SimClock', () => {
  it('runs events by time, then in the order they were scheduled, and none that was cancelled', async () => {
    const clock = new SimClock({ yield: () => Promise.resolve() });
    const seen: number[] = [];
    const times = Array.from({ length: 60 }, (_, i) => (i * 7) % 5);
    const events = times.map((time, i) => clock.after(time, () => seen.push(i)));
    clock.cancel(events[10]!);
    await new Promise<void>((resolve) => void clock.after(10, resolve));
    const expected = times.map((_, i) => i).filter((i) => i !== 10);
    expect(seen).toEqual(expected.sort((a, b) => times[a]! - times[b]! || a - b));
    expect(clock.now).toBe(10);
  });
});

describe('discarded frames', () => {
  const discarded = async (poison: boolean) => {
    const rig = await Rig.open({ poison });
    const host = hostFrames(1);
    const out = { ...copyIn(host, [0], [4]), kind: 'copyOut' } as const;
    rig.paging.submit([rig.map([0], [4])]);
    rig.user.submit([rig.fill(0, PAGE, 1)]);
    rig.paging.submit([rig.unmap([0]), rig.flush()]);
    rig.paging.submit([out]);
    const kept = host.bytes[0];
    rig.paging.submit([{ kind: 'discard', pageSize: PAGE, count: 1, frames: Uint32Array.of(4) }, out]);
    return [kept, host.bytes[0], host.bytes[PAGE - 1]];
  };

  it('keep their content until then, though nothing maps them, and are poisoned', async () => {
    expect(await discarded(true)).toEqual([1, POISON, POISON]);
  });

  it('read as zeros without poison', async () => {
    expect(await discarded(false)).toEqual([1, 0, 0]);
  });
});

describe('fault script', () => {
  const open = (faults: FaultScript, options: MemoryOptions = {}) => Rig.open({ faults, ...options });

  it('fails the Nth command of a kind, without effect', async () => {
    const rig = await open([{ do: 'fail', at: { nth: 2, kind: 'map' }, code: 'IO' }]);
    expect(rig.paging.submit([rig.map([0], [0])]).signaled).toBe(true);
    expect(rig.paging.submit([rig.flush(), rig.map([1], [1])]).error?.code).toBe('IO');
    expect(rig.paging.submit([rig.map([2], [2])]).signaled).toBe(true);
    expect(rig.user.submit([rig.read(PAGE, 1)]).signaled).toBe(false);
  });

  it('runs out of memory', async () => {
    const rig = await open([{ do: 'outOfMemory', at: { nth: 2, count: Infinity } }]);
    expect(rig.paging.submit([rig.flush(), rig.map([0], [0])]).signaled).toBe(true);
    expect(rig.paging.submit([copyIn(hostFrames(1), [0], [1])]).error?.code).toBe('OUT_OF_DEVICE_MEMORY');
    expect(rig.paging.submit([rig.map([1], [1])]).error?.code).toBe('OUT_OF_DEVICE_MEMORY');
  });

  it('delays a command, in zero-latency mode too', async () => {
    const rig = await open([{ do: 'delay', at: { nth: 1 }, us: 50 }]);
    const fence = rig.paging.submit([rig.map([0], [0])]);
    expect(fence.signaled).toBe(false);
    await fence.wait();
    expect(rig.user.submit([rig.read(0, 1)]).signaled).toBe(true);
  });

  it('hangs a queue and no other', async () => {
    const rig = await open([{ do: 'hang', at: { nth: 1, kind: 'launch' } }]);
    const hung = rig.user.submit([rig.launch(() => undefined)]);
    expect(rig.second.submit([rig.launch(() => undefined)]).signaled).toBe(true);
    await expect(hung.wait({ timeoutMs: 20 })).rejects.toMatchObject({ code: 'DEVICE_TIMEOUT' });
    await rig.device.close();
    expect(hung.error?.code).toBe('CLOSED');
  });

  it('loses the device at a command', async () => {
    const rig = await open([{ do: 'lose', at: { nth: 2, kind: 'unmap' }, message: 'fell off the bus' }]);
    const stalled = rig.user.submit([rig.fill(5 * PAGE, 1, 1)]);
    rig.paging.submit([rig.unmap([0])]);
    const fence = rig.paging.submit([rig.unmap([0])]);
    expect([fence.error?.code, stalled.error?.code]).toEqual(['DEVICE_LOST', 'DEVICE_LOST']);
    expect(await rig.device.lost).toEqual({ reason: 'failed', message: 'fell off the bus' });
    expect(rig.paging.submit([]).error?.code).toBe('DEVICE_LOST');
    expect(rig.device.faults.stalled).toBe(0);
    await rig.device.close();
  });

  it('loses the device at a time, which idling does not bring about', async () => {
    const rig = await open([{ do: 'lose', at: { timeUs: 25 } }], { latency: { command: 10 } });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await rig.paging.submit([rig.flush(), rig.flush()]).wait();
    const fence = rig.paging.submit([rig.flush()]);
    await expect(fence.wait()).rejects.toMatchObject({ code: 'DEVICE_LOST' });
    expect(rig.device.now()).toBe(25);
  });

  it('overflows the fault buffer', async () => {
    const rig = await open([{ do: 'limitFaultBuffer', at: { nth: 1, kind: 'launch' }, entries: 3 }]);
    rig.user.submit([rig.launch((ctx, id) => ctx.load8(id.x * PAGE), 10)]);
    expect([rig.device.faults.pending, rig.device.faults.dropped]).toEqual([3, 7]);
  });

  it('drops accessed bits', async () => {
    const rig = await open([{ do: 'dropAccessedBits', at: { nth: 2, kind: 'harvest' } }]);
    const bits: number[] = [];
    rig.paging.submit([rig.map([0], [0])]);
    for (let i = 0; i < 2; i++) {
      rig.user.submit([rig.fill(0, 1, 1)]);
      const harvest = rig.harvest([0]);
      rig.paging.submit([harvest]);
      bits.push(harvest.bits[0]!);
    }
    expect(bits).toEqual([3, 2]);
  });
});
