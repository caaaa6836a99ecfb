import { drm, type DrmDevice } from '@mirrorspace/native/drm';
import assert from 'node:assert/strict';
import test from 'node:test';
import { refusal } from '../refusal.js';
import { mapped, MEMORY, nodeOf, opened, Other, PAGE } from './rig.js';

void test('drm, bad input: a node that is something else', async () => {
  const refused = async (path: string, ...what: Parameters<typeof refusal>) =>
    assert.rejects(drm.open({ path, memory: MEMORY }), refusal(...what));
  await refused('/dev/null', 'UNSUPPORTED', 'ENOTTY', 'DRM_IOCTL_VERSION');
  await refused('/dev/hmm_dmirror0', 'UNSUPPORTED', 'EINVAL', 'DRM_IOCTL_VERSION');
  await refused('/nowhere', 'IO', 'ENOENT', 'open');
  await refused('/dev', 'IO', 'EISDIR', 'open');
  await refused(nodeOf('vgem'), 'UNSUPPORTED');
  await refused(nodeOf('virtio_gpu', 'renderD'), 'ACCESS_DENIED', 'EACCES', 'DRM_IOCTL_MODE_CREATE_DUMB');
});

void test('drm, bad input: options', async () => {
  for (const bad of [7, null, { path: 7 }, { name: 1 }, { memory: '1' }])
    await assert.rejects(drm.open(bad as never), TypeError);
  for (const memory of [0, 1, PAGE + 1, NaN, 2 ** 31, -PAGE]) await assert.rejects(drm.open({ memory }), RangeError);
  const device = await drm.open({ name: 'mine', memory: PAGE });
  await assert.rejects(drm.open({ name: 'mine' }), refusal('INVALID_ARGUMENT'));
  await device.close();
  const again = await drm.open({ name: 'mine', memory: PAGE });
  await again.close();
});

void test('drm, bad input: the kernel’s refusals have errno and the name of the ioctl', async () => {
  const { device } = await opened();
  const other = new Other();
  const memory = device.shareMemory();
  const timeline = device.shareTimeline(0);
  // Each is no object of the other's kind.
  assert.throws(
    () => device.importTimeline(memory),
    refusal('INVALID_ARGUMENT', 'EINVAL', 'DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE'),
  );
  assert.throws(() => other.importBuffer(timeline), { code: 'EINVAL', call: 'DRM_IOCTL_PRIME_FD_TO_HANDLE' });
  timeline.close();
  assert.throws(() => device.importTimeline(timeline), refusal('CLOSED'));
  assert.throws(() => device.importTimeline({} as never), TypeError);
  assert.throws(() => device.importTimeline(device.shareTimeline(0)).at(0), RangeError);
  for (const queue of [-1, 3, 0.5]) assert.throws(() => device.shareTimeline(queue), RangeError);
  // A timeline that is nobody's.
  assert.throws(() => other.reached(77), { code: 'ENOENT', call: 'DRM_IOCTL_SYNCOBJ_QUERY' });
  memory.close();
  other.close();
  await device.close();
});

void test('drm, bad input: what is wrong in a command, and what is not there', async () => {
  const { device, mmu, host } = await opened();
  const [paging, user] = [device.queues[0], device.queues[1]];
  const one = { pageSize: PAGE, count: 1, host, hostFrames: Uint32Array.of(0) };
  assert.throws(() => paging.submit([{ kind: 'copyIn', ...one, frames: Uint32Array.of(64) }]), RangeError);
  assert.throws(() => paging.submit([{ kind: 'copyIn', ...one, pageSize: 65_536, frames: Uint32Array.of(0) }]), {
    code: 'UNSUPPORTED',
  });
  assert.throws(() => paging.submit([{ kind: 'fill', mmu: mmu.id, address: 0, bytes: 1, value: 1 }]), {
    code: 'INVALID_ARGUMENT',
  });
  const add = { kind: 'atomicAdd', mmu: mmu.id, address: 0, value: 1, previous: new Uint32Array(1) } as const;
  assert.throws(() => user.submit([add]), { code: 'UNSUPPORTED' });
  await mapped(device, mmu, 0, 0);
  const read = { kind: 'read', mmu: mmu.id, address: 2 ** 47, into: new Uint8Array(1) } as const;
  assert.throws(() => user.submit([read]), RangeError);
  await device.close();
});

void test('drm, bad input: what was closed is closed', async () => {
  const { device, mmu, host } = await opened();
  const stalled = device.queues[1].submit([{ kind: 'fill', mmu: mmu.id, address: 0, bytes: 1, value: 1 }]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(device.faults.stalled, 1);
  await mmu.close();
  await assert.rejects(stalled.wait(), refusal('CLOSED'));
  assert.equal(device.faults.stalled, 0);
  await device.close();
  await device.close();
  assert.deepEqual(await device.lost, { reason: 'closed', message: `${device.info.name} was closed` });
  const copy = { kind: 'copyIn', pageSize: PAGE, count: 1, host } as const;
  const lists = { frames: Uint32Array.of(0), hostFrames: Uint32Array.of(0) };
  await assert.rejects(device.queues[0].submit([{ ...copy, ...lists }]).wait(), refusal('CLOSED'));
  await assert.rejects(device.createMmu({ addressBits: 47 }), refusal('CLOSED'));
  for (const call of [() => device.shareMemory(), () => device.shareTimeline(0)])
    assert.throws(call, refusal('CLOSED'));
});

void test('drm, bad input: a device that is lost fails what is pending, and gives its node back', async () => {
  const { device, mmu } = await opened();
  const stalled = device.queues[2]!.submit([{ kind: 'fill', mmu: mmu.id, address: 0, bytes: 1, value: 1 }]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  drm.conformance.lose(device);
  await assert.rejects(stalled.wait(), refusal('DEVICE_LOST'));
  assert.equal((await device.lost).reason, 'failed');
  assert.throws(() => drm.conformance.lose({} as DrmDevice), TypeError);
  const again = await drm.open({ memory: MEMORY });
  await again.close();
});
