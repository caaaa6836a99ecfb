import {
  type Command,
  type DeviceMmu,
  type Fence,
  MirrorError,
  MmuTable,
  type SubmissionQueue,
} from '@mirrorspace/core/driver';
import { expect, it } from 'vitest';
import { CommandLanes } from '../../src/device/command-lanes.js';

/** A device with one MMU. */
function rig() {
  const mmus = new MmuTable<DeviceMmu>('lanes:0');
  const { id: mmu } = mmus.open((id) => ({
    id,
    kind: 'mirroring',
    addressBits: 47,
    faultPageSize: 4096,
    close: async () => undefined,
  }));
  const device = {
    info: { name: 'lanes:0', backend: 'test', description: '' },
    limits: {
      pageSizes: [4096],
      memory: 4096,
      addressBits: 47,
      faultBuffer: 1,
      pagesPerCommand: 1,
      commandsPerSubmit: 8,
      residentUnits: 1,
      preemptionUs: 0,
    },
    features: new Set<never>(),
  };
  return { mmus, device, fill: { kind: 'fill', mmu, address: 0, bytes: 1, value: 0 } as const };
}

it('runs nothing more of a submission whose fence has failed', async () => {
  const { mmus, device, fill } = rig();
  const ran: Command[] = [];
  let go!: () => void;
  const first = new Promise<void>((resolve) => (go = resolve));
  const lanes = new CommandLanes(device, mmus, async (command) => {
    ran.push(command);
    await first;
  });
  const fence = lanes.queues[1].submit([fill, fill, fill]);
  await new Promise((resolve) => setImmediate(resolve));
  const stopped = lanes.stop(new MirrorError('DEVICE_LOST', 'it failed'));
  await expect(fence.wait()).rejects.toMatchObject({ code: 'DEVICE_LOST' });
  go();
  await stopped;
  expect(ran).toHaveLength(1);
});

it('tells before a fence settles, in order, also of those that never run', async () => {
  const { mmus, device, fill } = rig();
  const told: string[] = [];
  const fences: Fence[] = [];
  const settling = (queue: SubmissionQueue, value: number) => {
    const settled = fences.filter(({ queue: id, signaled, error }) => id === queue.id && (signaled || error)).length;
    told.push(`${queue.id}: ${value} after ${settled}`);
    return value === 2 && queue.id === 2 ? new MirrorError('IO', 'the kernel refused it') : undefined;
  };
  const execute = async (command: Command) => {
    if (command.kind === 'fill' && command.value === 1) throw new Error('it failed');
  };
  const lanes = new CommandLanes(device, mmus, execute, { userQueues: 2, settling });
  const [, first, second] = lanes.queues;
  fences.push(first.submit([{ ...fill, value: 1 }]), first.submit([fill]));
  fences.push(second!.submit([fill], { after: [fences[0]!] }), second!.submit([fill]));
  const ends = await Promise.allSettled(fences.map((fence) => fence.wait()));
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'rejected']);
  expect(fences.map(({ error }) => error?.message)).toEqual([
    'A command failed on lanes:0: Error: it failed',
    undefined,
    expect.stringContaining('Not run') as string,
    'the kernel refused it',
  ]);
  expect(told.toSorted()).toEqual(['1: 1 after 0', '1: 2 after 1', '2: 1 after 0', '2: 2 after 1']);
});

it('says what it waited for where a driver never answers', async () => {
  const { mmus, device, fill } = rig();
  let answer!: () => void;
  const never = new Promise<void>((resolve) => (answer = resolve));
  const lanes = new CommandLanes(device, mmus, () => never);
  const fence = lanes.queues[1].submit([fill]);
  await new Promise((resolve) => setImmediate(resolve));
  const stopped = lanes.stop(new MirrorError('CLOSED', 'it was closed'), 20);
  await expect(fence.wait()).rejects.toMatchObject({ code: 'CLOSED' });
  await expect(stopped).rejects.toMatchObject({
    code: 'DEVICE_TIMEOUT',
    message: expect.stringContaining('lanes:0: waited 20 ms for fill on queue 1') as string,
  });
  answer();
  await lanes.idle();
  await lanes.stop(new MirrorError('CLOSED', 'it was closed'), 20);
});
