import assert from 'node:assert/strict';
import test from 'node:test';
import type { MirrorError } from '@mirrorspace/core';
import { mapped, opened, Other, PAGE, Vgem } from './rig.js';

void test('drm: a fence is a point of its queue’s timeline, which is reached before it settles', async () => {
  const { device, mmu, copyIn } = await opened();
  const other = new Other();
  const timelines = [0, 1, 2].map((queue) => {
    const shared = device.shareTimeline(queue);
    const handle = other.importTimeline(shared);
    shared.close();
    return handle;
  });
  const reached = () => timelines.map((handle) => other.reached(handle));
  assert.deepEqual(reached(), [0, 0, 0]);
  await copyIn(0, 0);
  await mapped(device, mmu, 1, 0);
  assert.deepEqual(reached(), [2, 0, 0]);
  const fill = { kind: 'fill', mmu: mmu.id, address: PAGE, bytes: PAGE, value: 9 } as const;
  const fences = [1, 1, 2].map((queue) => device.queues[queue]!.submit([fill]));
  await Promise.all(fences.map((fence) => fence.wait()));
  assert.deepEqual(reached(), [2, 2, 1]);
  assert.deepEqual(
    fences.map(({ queue, value }) => [queue, value]),
    [
      [1, 1],
      [1, 2],
      [2, 1],
    ],
  );
  // A submission that fails reaches its point, too: whoever waits for it must not wait for ever. So do those that come after it, and never run.
  const lost = { kind: 'read', mmu: 0, address: 0, into: new Uint8Array(1) } as const;
  await mmu.close();
  const failed = device.queues[1].submit([{ ...lost, mmu: mmu.id }]);
  const after = device.queues[2]!.submit([fill], { after: [failed] });
  for (const fence of [failed, after]) await assert.rejects(fence.wait(), { code: 'CLOSED' });
  assert.deepEqual(reached(), [2, 3, 2]);
  await device.close();
  assert.deepEqual(reached(), [2, 3, 2]);
  other.close();
});

void test('drm: whoever waits in the kernel goes on when the fence settles, not before', async () => {
  const { device, mmu } = await opened();
  const other = new Other();
  const timeline = other.importTimeline(device.shareTimeline(1));
  // The access stalls on a page that is missing.
  const fence = device.queues[1].submit([{ kind: 'fill', mmu: mmu.id, address: 7 * PAGE, bytes: 1, value: 1 }]);
  let waited = false;
  const waiting = other.waitFor(timeline, 1, 60_000).then((result) => (waited = result));
  assert.equal(await other.waitFor(timeline, 1, 100), false);
  assert.deepEqual([waited, fence.signaled, other.reached(timeline)], [false, false, 0]);
  await mapped(device, mmu, 7, 3);
  await device.queues[0].submit([{ kind: 'replayFaults', mmu: mmu.id }]).wait();
  await fence.wait();
  assert.equal(await waiting, true);
  assert.equal(other.reached(timeline), 1);
  other.close();
  await device.close();
});

void test('drm: submissions come after points of another device', async () => {
  const [first, second] = [await opened(), await opened()];
  const shared = first.device.shareTimeline(1);
  const timeline = second.device.importTimeline(shared);
  await mapped(first.device, first.mmu, 3, 0);
  await mapped(second.device, second.mmu, 3, 0);
  const fill = (value: number) => ({ kind: 'fill', address: 3 * PAGE, bytes: PAGE, value }) as const;
  const ordered: string[] = [];
  const point = timeline.at(3);
  const later = second.device.queues[1].submit([{ ...fill(1), mmu: second.mmu.id }], { after: [point] });
  void later.wait().then(() => ordered.push('second'));
  for (let i = 1; i <= 3; i++) {
    assert.deepEqual([point.signaled, later.signaled], [false, false]);
    await first.device.queues[1].submit([{ ...fill(i), mmu: first.mmu.id }]).wait();
    ordered.push(`first ${i}`);
  }
  await later.wait();
  assert.deepEqual(ordered, ['first 1', 'first 2', 'first 3', 'second']);
  // What was reached long ago, and lower points than those that are waited for.
  assert.equal(timeline.at(1).signaled, true);
  const [high, low] = [timeline.at(6), timeline.at(4)];
  await first.device.queues[1].submit([{ ...fill(4), mmu: first.mmu.id }]).wait();
  await low.wait();
  assert.equal(high.signaled, false);
  await assert.rejects(high.wait({ timeoutMs: 50 }), (error: MirrorError) => {
    assert.equal(error.code, 'DEVICE_TIMEOUT');
    return /the timeline is at 4/.test(error.message);
  });
  await assert.rejects(high.wait({ signal: AbortSignal.timeout(20) }), { code: 'ABORTED' });
  timeline.close();
  await assert.rejects(high.wait(), { code: 'CLOSED' });
  await assert.rejects(timeline.at(1).wait(), { code: 'CLOSED' });
  const again = second.device.importTimeline(shared);
  const ends = again.at(9);
  await second.device.close();
  await assert.rejects(ends.wait(), { code: 'CLOSED' });
  await first.device.close();
});

void test('drm: a queue whose copy waits for another driver holds up no other queue', async () => {
  const { device, mmu, host } = await opened();
  const vgem = new Vgem();
  const done = vgem.writes(device.shareMemory());
  const lists = { frames: Uint32Array.of(0), hostFrames: Uint32Array.of(0) };
  const copy = device.queues[1].submit([{ kind: 'copyOut', pageSize: PAGE, count: 1, host, ...lists }]);
  await mapped(device, mmu, 1, 0);
  assert.equal(copy.signaled, false);
  await assert.rejects(copy.wait({ timeoutMs: 40 }), /head: copyOut \(command 1 of 1\)/);
  done();
  await copy.wait();
  await device.close();
  vgem.close();
});
