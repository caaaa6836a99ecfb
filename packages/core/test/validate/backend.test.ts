import { type MemoryOptions, TYPICAL_LATENCY } from '@mirrorspace/memory';
import { describe, expect, test, vi } from 'vitest';
import type { Command, CommandQueue, Device, Fence } from '../../src/driver/index.js';
import { createFaultBatch, FAULT_READ, MirrorError, PTE_READ } from '../../src/driver/index.js';
import { TimelineFence, whenSettled } from '../../src/kit/index.js';
import { createRig, flush, like, list, map, read, replay, type Rig, rules, submitting, unmap, write } from './rig.js';
import { inventing, relay } from './broken-faults.js';
import { stubFence } from './stub-fence.js';

const time = { latency: TYPICAL_LATENCY };
const quiet = { heartbeat: () => 0, describe: () => '' };

/** A broken device, what shows it, and the rule that the validator names. */
interface Case {
  readonly name: string;
  readonly rule: string;
  readonly break: (inner: Device) => Device;
  readonly show: (rig: Rig) => Promise<unknown>;
  readonly memory?: MemoryOptions;
  /** What shows it cannot be done with a device that is not broken. */
  readonly brokenOnly?: boolean;
}

const isKind = (kind: string) => (command: Command) => command.kind === kind;

/** Replaces the fence of each submission that holds a command of `kind`. */
const fencing = (kind: string, make: (fence: Fence, queue: CommandQueue) => Fence) => (inner: Device) =>
  submitting(inner, (queue, commands, options) => {
    const fence = queue.submit(commands, options);
    return commands.some(isKind(kind)) ? make(fence, queue) : fence;
  });

/** Runs `after` on the commands of each submission once it settled, before anyone hears of it. */
const meddling = (after: (command: Command, fence: Fence) => void) => (inner: Device) =>
  submitting(inner, (queue, commands, options) => {
    const fence = queue.submit(commands, options);
    if (fence instanceof TimelineFence) fence.onSettled(() => commands.forEach((command) => after(command, fence)));
    return fence;
  });

/** Serves whatever stalls on page 1 by mapping frame 1 there. */
async function serve(rig: Rig): Promise<void> {
  const { faults } = rig.device;
  const batch = createFaultBatch(4);
  await vi.waitFor(() => expect(faults.pending).toBeGreaterThan(0));
  faults.drain(batch);
  await rig.paging.submit([map(rig.mmu, [1], [1]), replay(rig.mmu)]).wait();
}

async function drainTwice(rig: Rig): Promise<void> {
  const batch = createFaultBatch(4);
  await rig.paging.submit([map(rig.mmu, [1, 2], [1, 2])]).wait();
  rig.device.faults.drain(batch);
  rig.device.faults.drain(batch);
}

const cases: readonly Case[] = [
  {
    name: 'signals the fence of a map before earlier ones',
    rule: 'order',
    memory: time,
    break: fencing('map', (fence) => stubFence(fence, { signaled: () => true })),
    show: async (rig) => {
      rig.paging.submit([flush(rig.mmu)]);
      rig.paging.submit([map(rig.mmu, [1], [1])]);
    },
  },
  {
    name: 'starts before the fences it comes after',
    rule: 'order',
    memory: time,
    break: (inner) => submitting(inner, (queue, commands) => queue.submit(commands)),
    show: async (rig) => {
      const slow = rig.user.submit([read(rig.mmu, 1)]);
      await rig.paging.submit([flush(rig.mmu)], { after: [slow] }).wait();
    },
  },
  {
    name: 'runs although a fence it comes after failed',
    rule: 'order',
    memory: { faults: [{ do: 'fail', at: { nth: 1, kind: 'fill' } }] },
    break: (inner) => submitting(inner, (queue, commands) => queue.submit(commands)),
    show: async (rig) => {
      const failed = rig.user.submit([{ kind: 'fill', mmu: rig.mmu.id, address: 0, bytes: 1, value: 1 }]);
      await rig.paging.submit([flush(rig.mmu)], { after: [failed] }).wait();
    },
  },
  {
    name: 'numbers fences as it likes',
    rule: 'fence',
    break: fencing('flushTlb', (fence, queue) => {
      const other = new TimelineFence(queue.id, fence.value + 1, quiet);
      other.settle();
      return other;
    }),
    show: async (rig) => {
      rig.paging.submit([]);
      rig.paging.submit([flush(rig.mmu)]);
    },
  },
  {
    name: 'takes back that a fence failed',
    rule: 'fence',
    break: fencing('map', (fence) => {
      const error = new MirrorError('IO', 'broken');
      let looks = 0;
      return stubFence(fence, { signaled: () => looks > 8, error: () => (looks++ < 8 ? error : undefined) });
    }),
    show: async (rig) => {
      const fence = rig.paging.submit([map(rig.mmu, [1], [1])]);
      while (fence.error !== undefined) expect(fence.signaled).toBe(false);
    },
  },
  {
    name: 'ends a wait although nothing settled',
    rule: 'fence',
    memory: time,
    break: fencing('map', (fence) => stubFence(fence, { wait: () => Promise.resolve() })),
    show: (rig) => rig.paging.submit([map(rig.mmu, [1], [1])]).wait(),
  },
  {
    name: 'throws from submit for what is no mistake',
    rule: 'fence',
    brokenOnly: true,
    break: (inner) =>
      submitting(inner, () => {
        throw new MirrorError('DEVICE_LOST', 'gone');
      }),
    show: async (rig) => expect(() => rig.paging.submit([])).toThrow('gone'),
  },
  {
    name: 'refuses what it claims',
    rule: 'claim',
    brokenOnly: true,
    break: (inner) =>
      submitting(inner, () => {
        throw new MirrorError('UNSUPPORTED', 'no');
      }),
    show: async (rig) => expect(() => rig.paging.submit([])).toThrow('no'),
  },
  {
    name: 'takes what it does not claim',
    rule: 'claim',
    brokenOnly: true,
    break: (inner) =>
      like(inner, { features: new Set([...inner.features].filter((feature) => feature !== 'atomics')) }),
    show: async (rig) => {
      rig.user.submit([{ kind: 'atomicAdd', mmu: rig.mmu.id, address: 0, value: 1, previous: new Uint32Array(1) }]);
    },
  },
  {
    name: 'reports faults though it does not claim to replay them',
    rule: 'claim',
    break: (inner) => like(inner, { features: new Set<never>() }),
    show: async (rig) => {
      rig.user.submit([read(rig.mmu, 1)]);
      rig.device.faults.drain(createFaultBatch(4));
    },
  },
  {
    name: 'returns data with an error',
    rule: 'result',
    break: meddling((command, fence) => {
      if (command.kind === 'read' && fence.error !== undefined) command.into[3] = 1;
    }),
    memory: { faults: [{ do: 'fail', at: { nth: 1, kind: 'read' } }] },
    show: (rig) =>
      rig.user
        .submit([read(rig.mmu, 1)])
        .wait()
        .catch(() => {}),
  },
  {
    name: 'reports a read-only page dirty',
    rule: 'bits',
    break: meddling((command) => {
      if (command.kind === 'harvest') command.bits[0] = 2;
    }),
    show: async (rig) => {
      await rig.paging.submit([map(rig.mmu, [1], [1], PTE_READ)]).wait();
      await rig.paging.submit([{ kind: 'harvest', ...list(rig.mmu, [1]), bits: new Uint8Array(1) }]).wait();
    },
  },
  {
    name: 'reports an absent page accessed',
    rule: 'bits',
    break: meddling((command) => {
      if (command.kind === 'unmap') command.bits?.fill(1);
    }),
    show: (rig) => rig.paging.submit([unmap(rig.mmu, [1], new Uint8Array(1))]).wait(),
  },
  { name: 'invents a fault for a mapped page', rule: 'fault', break: inventing(0, 1), show: drainTwice },
  { name: 'reports a fault of no MMU', rule: 'fault', break: inventing(9, 3), show: drainTwice },
  { name: 'reports a fault of no access', rule: 'fault', break: inventing(0, 3, 9), show: drainTwice },
  { name: 'reports a fault of a paging queue', rule: 'fault', break: inventing(0, 3, FAULT_READ, 2), show: drainTwice },
  {
    name: 'faults for ever on a page that is mapped',
    rule: 'fault',
    // The map never arrives.
    break: (inner) =>
      submitting(inner, (queue, commands, options) =>
        queue.submit(
          commands.filter((command) => command.kind !== 'map'),
          options,
        ),
      ),
    show: async (rig) => {
      rig.user.submit([read(rig.mmu, 1)]);
      await serve(rig);
      const batch = createFaultBatch(4);
      for (let i = 0; i < 4; i++) {
        rig.device.faults.drain(batch);
        await rig.paging.submit([replay(rig.mmu)]).wait();
      }
    },
  },
  {
    name: 'forgets a stalled access',
    rule: 'fault',
    // The replay never arrives, so nothing is reported again.
    break: (inner) =>
      submitting(inner, (queue, commands, options) =>
        queue.submit(
          commands.filter((command) => command.kind !== 'replayFaults'),
          options,
        ),
      ),
    show: async (rig) => {
      rig.user.submit([read(rig.mmu, 1)]);
      await serve(rig);
      await vi.waitFor(() => expect(rig.device.violations).not.toEqual([]));
    },
  },
  {
    name: 'counts backwards',
    rule: 'counter',
    break: (inner) => {
      let retired = 5;
      const faults = relay(inner.faults, { retired: () => retired-- });
      return like(inner, { faults });
    },
    show: async (rig) => rig.device.faults.retired + rig.device.faults.retired,
  },
  {
    name: 'has a clock that runs backwards',
    rule: 'counter',
    break: (inner) => {
      let now = 5;
      return like(inner, { now: () => now-- });
    },
    show: async (rig) => rig.device.now() + rig.device.now(),
  },
  {
    name: 'is lost with fences pending',
    rule: 'close',
    memory: { faults: [{ do: 'hang', at: { nth: 1, kind: 'flushTlb' } }] },
    brokenOnly: true,
    break: (inner) =>
      like(inner, { lost: new Promise((resolve) => setTimeout(resolve, 10, { reason: 'failed', message: 'gone' })) }),
    show: async (rig) => {
      rig.paging.submit([flush(rig.mmu)]);
      await rig.device.lost;
    },
  },
  {
    name: 'rejects instead of being lost',
    rule: 'close',
    brokenOnly: true,
    break: (inner) => like(inner, { lost: Promise.reject(new Error('gone')) }),
    show: (rig) => rig.device.lost,
  },
  {
    name: 'closes with fences pending',
    rule: 'close',
    memory: time,
    brokenOnly: true,
    break: (inner) => like(inner, { close: () => Promise.resolve(), lost: new Promise(() => {}) }),
    show: async (rig) => {
      rig.paging.submit([flush(rig.mmu)]);
      vi.useFakeTimers();
      const closed = rig.device.close();
      await vi.advanceTimersByTimeAsync(2000);
      vi.useRealTimers();
      await closed;
    },
  },
  {
    name: 'opens an MMU that reports other pages than asked for',
    rule: 'claim',
    break: (inner) =>
      like(inner, { createMmu: ({ addressBits }) => inner.createMmu({ addressBits, faultPageSize: 65536 }) }),
    show: async () => {},
  },
];

describe.each(cases)('a device that $name', ({ rule, break: breaks, show, memory, brokenOnly = false }) => {
  test(`breaks ${rule}`, async () => {
    const rig = await createRig({ break: breaks, ...(memory !== undefined && { memory }) });
    await show(rig);
    expect(rules(rig)).toContain(rule);
    const [first] = rig.violations;
    expect(first?.message).toContain('backend');
    expect(first?.code).toBe('CONTRACT_VIOLATION');
  });

  if (brokenOnly) return;
  test('and one that does not breaks nothing', async () => {
    const rig = await createRig({ ...(memory !== undefined && { memory }) });
    await Promise.race([show(rig).catch(() => {}), new Promise((resolve) => setTimeout(resolve, 100))]);
    expect(rules(rig)).toEqual([]);
  });
});

test('fences that settle in the wrong order are caught even if nobody looks in between', async () => {
  const made: TimelineFence[] = [];
  const rig = await createRig({
    break: (inner) =>
      submitting(inner, (queue) => {
        const fence = new TimelineFence(queue.id, made.length + 1, quiet);
        made.push(fence);
        return fence;
      }),
  });
  rig.paging.submit([]);
  rig.paging.submit([]);
  for (const fence of made.reverse()) fence.settle();
  expect(rules(rig)).toEqual(['order']);
});

describe('deep mode', () => {
  /** A device whose flushes do nothing. */
  const staleTlb = (inner: Device): Device =>
    submitting(inner, (queue, commands, options) =>
      queue.submit(
        commands.filter((command) => command.kind !== 'flushTlb'),
        options,
      ),
    );

  async function writeThroughFlushed(rig: Rig, reuse: boolean): Promise<void> {
    await rig.paging.submit([map(rig.mmu, [1], [5])]).wait();
    await rig.user.submit([write(rig.mmu, 1)]).wait();
    await rig.paging.submit([unmap(rig.mmu, [1]), flush(rig.mmu)]).wait();
    // Page 1 is gone: this stalls on a correct device, and writes frame 5 on one with a stale TLB.
    rig.user.submit([write(rig.mmu, 1, new Uint8Array(8).fill(9))]);
    await new Promise<void>((resolve) => whenSettled(rig.paging.submit([]), resolve));
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (reuse) await rig.paging.submit([map(rig.mmu, [2], [5])]).wait();
    else await rig.device.close();
  }

  test.each([true, false])('sees a write through a flushed translation (R1; reuse: %s)', async (reuse) => {
    const rig = await createRig({ deep: true, break: staleTlb });
    await writeThroughFlushed(rig, reuse);
    expect(rules(rig)).toEqual(['R1']);
    expect(rig.violations[0]?.message).toContain('frame 5');
  });

  test.each([true, false])('sees nothing on a correct device (reuse: %s)', async (reuse) => {
    const rig = await createRig({ deep: true });
    await writeThroughFlushed(rig, reuse);
    expect(rules(rig)).toEqual([]);
  });
});
