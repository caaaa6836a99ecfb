import type { Command } from '@mirrorspace/core/driver';
import { setImmediate } from 'node:timers/promises';
import { afterEach, expect, it, vi } from 'vitest';
import type { IoctlDevice } from '../../src/abi/ioctl.js';
import { HmmDevice } from '../../src/hmm/device.js';
import { type DeviceNode, NodeFile } from '../../src/hmm/node-file.js';
import { hmm } from '../../src/hmm.js';
import { processMemory } from '../../src/index.js';
import { createSpace } from '@mirrorspace/core';

const PAGE = 4096;
const PAGES = 600;

/** A node whose requests end when the test says so. */
function opened() {
  const asked: string[] = [];
  let answer!: () => void;
  const gate = new Promise<void>((resolve) => (answer = resolve));
  const call: IoctlDevice['call'] = ({ struct }, value = {}) => {
    if (struct === undefined) throw new TypeError('requests of the device have structs');
    return { result: 0, value: struct.decode(struct.encode(value)), descriptor: undefined };
  };
  const start: IoctlDevice['start'] = async (request, value) => {
    asked.push(request.name);
    await gate;
    return call(request, value);
  };
  let ended = false;
  const node: DeviceNode = {
    path: '/dev/hmm_dmirror9',
    begin: () => undefined,
    end: async () => void (ended = true),
    open: () => ({ call, start }),
  };
  const release = vi.fn();
  const device = new HmmDevice({ name: 'hmm:9', node, memory: PAGES * PAGE, release }, true);
  return { device, asked, answer, release, ended: () => ended };
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const into = new Uint8Array(PAGES * PAGE).fill(9);
const commands: Record<string, object> = {
  read: { kind: 'read', into },
  write: { kind: 'write', from: into },
  'write of a part': { kind: 'write', from: into.subarray(0, 100) },
};

it.each(Object.keys(commands))(
  'a %s makes no more requests, and changes nothing, once its fence has failed',
  async (name) => {
    const { device, asked, answer, ended } = opened();
    const space = await createSpace({ host: processMemory() });
    const region = space.map({ bytes: PAGES * PAGE });
    const words = region.array(Uint8Array);
    const mmu = await device.createMmu({ addressBits: 47 });
    const mapping = { mmu: mmu.id, address: region.address };
    const fence = device.queues[1].submit([{ ...mapping, ...commands[name] } as Command]);
    while (asked.length === 0) await setImmediate();
    const closed = device.close();
    await expect(fence.wait()).rejects.toMatchObject({ code: 'CLOSED' });
    answer();
    await closed;
    expect([asked, ended()]).toEqual([['HMM_DMIRROR_SNAPSHOT'], true]);
    expect([into[0], words[0]]).toEqual([9, 0]);
    await space.close();
  },
);

it('a device is gone for everybody also where its driver does not answer what was asked beside its queues', async () => {
  const { device, asked, answer, release, ended } = opened();
  const space = await createSpace({ host: processMemory() });
  const { address } = space.map({ bytes: PAGE });
  const mmu = await device.createMmu({ addressBits: 47 });
  vi.useFakeTimers();
  const expired = { code: 'DEVICE_TIMEOUT', message: expect.stringContaining('has not answered') as string };
  const looked = expect(device.checkExclusive(mmu, address, 1)).rejects.toMatchObject(expired);
  await vi.advanceTimersByTimeAsync(1);
  expect(asked).toEqual(['HMM_DMIRROR_CHECK_EXCLUSIVE']);
  const closed = expect(device.close()).rejects.toMatchObject(expired);
  await vi.advanceTimersByTimeAsync(60_000);
  await looked;
  await closed;
  expect([ended(), release.mock.calls.length]).toEqual([true, 1]);
  answer();
  vi.useRealTimers();
  await space.close();
});

it('opening waits a while, and not for ever, for who closes the node', async () => {
  vi.useFakeTimers();
  vi.spyOn(NodeFile.prototype, 'ready').mockReturnValue(new Promise(() => undefined));
  const message = expect.stringContaining('waited 30000 ms for /dev/null to be closed by who had it before') as string;
  for (let i = 0; i < 2; i++) {
    const opening = expect(hmm.open({ path: '/dev/null', name: 'one' })).rejects.toMatchObject({
      code: 'DEVICE_TIMEOUT',
      message,
    });
    await vi.advanceTimersByTimeAsync(60_000);
    await opening;
  }
});
