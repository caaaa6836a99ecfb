import { createSpace, managedMemory } from '@mirrorspace/core';
import type { Command, DeviceMmu } from '@mirrorspace/core/driver';
import { nativeMemory, processMemory } from '@mirrorspace/native';
import { hmm } from '@mirrorspace/native/hmm';
import assert from 'node:assert/strict';
import test from 'node:test';
import { HMM_PAGE, KINDS, Memory, RawDevice } from './device.js';
import { calls, PROT } from './process.js';
import { refusal } from './refusal.js';

/** A space of process memory on a device of a kind, with 8 pages mapped. */
async function opened(kind: 'private' | 'coherent') {
  const device = await hmm.open({ kind });
  const space = await createSpace({ host: processMemory() });
  const mirror = await space.attach(device, { prefetch: 'none' });
  const region = space.map({ bytes: 8 * HMM_PAGE });
  const mmu = await device.createMmu({ addressBits: 47 });
  const end = async () => {
    await space.close();
    await device.close();
  };
  return { device, space, mirror, region, mmu, end };
}

for (const { kind, nodes } of KINDS) {
  void test(`bad input: the kernel's refusals have errno and the name of the ioctl (${kind})`, async () => {
    const t = await opened(kind);
    const { address } = t.region;
    const run = (command: Command, paging: boolean) =>
      t.device.queues
        .find((queue) => queue.paging === paging)!
        .submit([command])
        .wait();
    const mmu = t.mmu.id;
    const read = { kind: 'read', mmu, address, into: new Uint8Array(8) } as const;
    const write = { kind: 'write', mmu, address, from: new Uint8Array(HMM_PAGE) } as const;
    const span = { mmu, start: address, end: address + 2 * HMM_PAGE };
    t.region.array(Uint8Array).fill(1);
    assert.equal(calls.protect(address, HMM_PAGE, PROT.none), 0);
    await assert.rejects(run(read, false), refusal('ADDRESS_NOT_MAPPED', 'EFAULT', 'HMM_DMIRROR_READ'));
    await assert.rejects(run(write, false), refusal('ADDRESS_NOT_MAPPED', 'EFAULT', 'HMM_DMIRROR_WRITE'));
    const migrate = { kind: 'migrate', ...span, to: 'device', moved: new Uint32Array(1) } as const;
    await assert.rejects(run(migrate, true), refusal('INVALID_ARGUMENT', 'EINVAL', 'HMM_DMIRROR_MIGRATE_TO_DEV'));
    assert.equal(calls.protect(address, HMM_PAGE, PROT.read), 0);
    await run(read, false);
    await assert.rejects(run(write, false), refusal('ACCESS_DENIED', 'EPERM', 'HMM_DMIRROR_WRITE'));
    assert.equal(calls.protect(address, HMM_PAGE, PROT.write), 0);
    assert.equal(t.region.array(Uint8Array)[0], 1);
    await t.end();
  });

  void test(`bad input: addresses that are not ours are refused before the driver is asked (${kind})`, async () => {
    const t = await opened(kind);
    const paging = t.device.queues.find((queue) => queue.paging)!;
    const snapshot = (start: number, end: number): Command => ({
      kind: 'snapshot',
      mmu: t.mmu.id,
      start,
      end,
      flags: new Uint8Array(1),
    });
    // Node's own memory, another process's, the end of the region, and nothing at all.
    for (const start of [0x400000, 2 ** 46, t.region.address + t.region.bytes, HMM_PAGE])
      await assert.rejects(paging.submit([snapshot(start, start + HMM_PAGE)]).wait(), refusal('ADDRESS_NOT_MAPPED'));
    assert.throws(() => paging.submit([snapshot(t.region.address + 8, t.region.address + 8 + HMM_PAGE)]), RangeError);
    assert.throws(() => paging.submit([snapshot(t.region.address + HMM_PAGE, t.region.address)]), RangeError);
    await assert.rejects(t.mirror.read(0x400000, 8), refusal('ADDRESS_NOT_MAPPED'));
    await assert.rejects(t.mirror.read(t.region.address, t.region.bytes + 1), refusal('ADDRESS_NOT_MAPPED'));
    await assert.rejects(t.mirror.read(t.region.address, -1), RangeError);
    await assert.rejects(t.mirror.read(t.region.address, 1.5), RangeError);
    await assert.rejects(t.mirror.write(t.region.address, 'x' as never), TypeError);
    await assert.rejects(t.mirror.fill(t.region.address, 4, 256), RangeError);
    await assert.rejects(t.mirror.atomicAdd(t.region.address, 1), refusal('UNSUPPORTED'));
    await assert.rejects(t.mirror.harvest(t.region.address, 8), refusal('UNSUPPORTED'));
    await t.end();
  });

  void test(`bad input: rights of regions hold for the device (${kind})`, async () => {
    const t = await opened(kind);
    await t.mirror.write(t.region.address, Uint8Array.of(1));
    await t.space.protect(t.region.address, HMM_PAGE, 'read');
    await t.mirror.read(t.region.address, 1);
    await assert.rejects(t.mirror.write(t.region.address, Uint8Array.of(2)), refusal('ACCESS_DENIED'));
    await t.space.protect(t.region.address, HMM_PAGE, 'none');
    await assert.rejects(t.mirror.read(t.region.address, 1), refusal('ACCESS_DENIED'));
    await t.space.protect(t.region.address, HMM_PAGE, 'read-write');
    assert.equal((await t.mirror.read(t.region.address, 1))[0], 1);
    await t.end();
  });

  void test(`bad input: what was closed is closed (${kind})`, async () => {
    const t = await opened(kind);
    const { address } = t.region;
    const raw = new RawDevice(nodes[0]);
    raw.close();
    assert.equal((await raw.ask('read', new Memory(1), new Memory(1))).error, 'CLOSED');
    await t.mmu.close();
    const read = { kind: 'read', mmu: t.mmu.id, address, into: new Uint8Array(8) } as const;
    await assert.rejects(t.device.queues[1]!.submit([read]).wait(), refusal('CLOSED'));
    await t.device.close();
    await assert.rejects(t.mirror.read(address, 8), refusal('CLOSED'));
    await assert.rejects(t.device.createMmu({ addressBits: 47 }), refusal('CLOSED'));
    await t.space.close();
  });
}

void test('bad input: a device node that is something else', async () => {
  await assert.rejects(hmm.open({ path: '/dev/null' }), refusal('UNSUPPORTED', 'ENOTTY', 'HMM_DMIRROR_SNAPSHOT'));
  await assert.rejects(hmm.open({ path: '/nowhere' }), refusal('IO', 'ENOENT', 'open'));
  await assert.rejects(hmm.open({ path: 7 as never }), TypeError);
  await assert.rejects(hmm.open({ kind: 'fast' as never }), TypeError);
  for (const memory of [0, 1, HMM_PAGE + 1, NaN]) await assert.rejects(hmm.open({ memory }), RangeError);
});

void test('bad input: spaces whose memory a device cannot follow, and devices that cannot follow', async () => {
  const device = await hmm.open();
  for (const host of [managedMemory(), nativeMemory()]) {
    await using space = await createSpace({ host });
    await assert.rejects(space.attach(device), refusal('UNSUPPORTED'));
  }
  await using space = await createSpace({ host: processMemory() });
  const mirror = await space.attach(device);
  await assert.rejects(space.attach(device), refusal('INVALID_ARGUMENT'));
  const held = space.map({ bytes: HMM_PAGE, share: 'private' });
  await assert.rejects(mirror.read(held.address, 8), refusal('UNSUPPORTED'));
  const mmu: DeviceMmu = await device.createMmu({ addressBits: 47 });
  assert.equal(mmu.kind, 'mirroring');
  await mirror.detach();
  await device.close();
});
