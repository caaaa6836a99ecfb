import { createSpace } from '@mirrorspace/core';
import { probe } from '@mirrorspace/native';
import { drm } from '@mirrorspace/native/drm';
import assert from 'node:assert/strict';
import test from 'node:test';
import { mapped, nodeOf, opened, Other, PAGE, pattern, Vgem, viewOf } from './rig.js';

void test('drm: the device that has what is needed is found, and no other', async () => {
  const cards = [nodeOf('virtio_gpu')];
  assert.deepEqual(await drm.probe(), { available: true, devices: cards });
  assert.deepEqual(probe().managedDevices, cards);
  const { device } = await opened();
  assert.equal(device.info.description, `DRM device ${cards[0]}, driver virtio_gpu`);
  await device.close();
});

void test('drm: frames are a buffer of the kernel: another open node sees what is copied in, and changes what is copied out', async () => {
  const { device, host, copyIn, copyOut } = await opened();
  const other = new Other();
  const shared = device.shareMemory();
  const { bytes, mapping } = other.map(other.importBuffer(shared));
  host.fill(2, 40);
  await copyIn(5, 2);
  assert.deepEqual(bytes.subarray(5 * PAGE, 6 * PAGE), pattern(40));
  assert.ok(bytes.subarray(6 * PAGE).every((byte) => byte === 0));
  bytes.set(pattern(99), 63 * PAGE);
  await copyOut(63, 3);
  assert.deepEqual(host.bytes.subarray(3 * PAGE, 4 * PAGE), pattern(99));
  // The file itself can be mapped, too.
  const direct = viewOf(shared);
  assert.deepEqual(direct.bytes.subarray(63 * PAGE), pattern(99));
  // It outlives the device, for whoever has it.
  await device.close();
  assert.deepEqual(bytes.subarray(5 * PAGE, 6 * PAGE), pattern(40));
  for (const memory of [mapping, direct.mapping]) memory.unmap();
  shared.close();
  other.close();
});

void test('drm: accesses by virtual addresses reach the buffer, through the table', async () => {
  const { device, mmu } = await opened();
  const shared = device.shareMemory();
  const { bytes, mapping } = viewOf(shared);
  await mapped(device, mmu, 1000, 9, 4);
  const address = 1001 * PAGE - 100;
  const run = (from: Uint8Array) => device.queues[1].submit([{ kind: 'write', mmu: mmu.id, address, from }]).wait();
  await run(pattern(7).subarray(0, 200));
  assert.deepEqual(bytes.subarray(10 * PAGE - 100, 10 * PAGE), pattern(7).subarray(0, 100));
  assert.deepEqual(bytes.subarray(4 * PAGE, 4 * PAGE + 100), pattern(7).subarray(100, 200));
  const into = new Uint8Array(200);
  await device.queues[2]!.submit([{ kind: 'read', mmu: mmu.id, address, into }]).wait();
  assert.deepEqual(into, pattern(7).subarray(0, 200));
  mapping.unmap();
  shared.close();
  await device.close();
});

void test('drm: what another driver writes to the buffer is waited for, and that blocks nobody', async () => {
  const { device, host, copyOut } = await opened();
  const vgem = new Vgem();
  const shared = device.shareMemory();
  const { bytes, mapping } = viewOf(shared);
  const done = vgem.writes(shared);
  let turns = 0;
  let over = false;
  const copied = copyOut(1, 1).then(() => (over = true));
  while (turns < 50) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    turns++;
  }
  assert.equal(over, false);
  bytes.set(pattern(3), PAGE);
  done();
  await copied;
  assert.deepEqual(host.bytes.subarray(PAGE, 2 * PAGE), pattern(3));
  // Closing waits for no other driver: it ends what waits.
  const never = vgem.writes(shared);
  bytes.set(pattern(8), PAGE);
  const stuck = assert.rejects(copyOut(1, 1), { code: 'CLOSED' });
  // It is under way by then.
  await new Promise((resolve) => setImmediate(resolve));
  await device.close();
  await stuck;
  // Refused where the other driver has given up meanwhile.
  never();
  assert.deepEqual(host.bytes.subarray(PAGE, 2 * PAGE), pattern(3));
  mapping.unmap();
  vgem.close();
});

void test('drm: a space on a device that is too small, and on two of them', async () => {
  const first = await drm.open({ memory: 16 * PAGE });
  const second = await drm.open({ memory: 16 * PAGE });
  const space = await createSpace();
  const mirrors = [await space.attach(first, { eviction: 'clock' }), await space.attach(second)];
  const { address } = space.map({ bytes: 48 * PAGE });
  const model = new Uint8Array(48 * PAGE);
  for (let step = 0; step < 60; step++) {
    const at = (step * 7919) % (47 * PAGE);
    const bytes = pattern(step).subarray(0, 1 + ((step * 331) % PAGE));
    const by = step % 3;
    if (by === 2) await space.write(address + at, bytes);
    else await mirrors[by]!.write(address + at, bytes);
    model.set(bytes, at);
    const from = (step * 5407) % (47 * PAGE);
    const got = await (by === 0 ? space : mirrors[by - 1]!).read(address + from, PAGE);
    assert.deepEqual(got, model.subarray(from, from + PAGE), `step ${step}`);
  }
  assert.ok(mirrors[0]!.stats.evictions > 0);
  assert.deepEqual(await space.read(address, model.length), model);
  await space.close();
  for (const device of [first, second]) await device.close();
});
