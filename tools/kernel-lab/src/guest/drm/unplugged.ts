import { drm } from '@mirrorspace/native/drm';
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { refusal } from '../refusal.js';
import { mapped, MEMORY, opened, PAGE } from './rig.js';

const DRIVER = '/sys/bus/virtio/drivers/virtio_gpu';

void test('drm: a device that is unplugged is lost: what is pending fails, and what waits ends', async () => {
  const { device, mmu, copyIn } = await opened();
  const other = await opened();
  const timeline = other.device.importTimeline(device.shareTimeline(1));
  const never = timeline.at(5);
  await mapped(device, mmu, 1, 0);
  await copyIn(0, 0);
  const stalled = device.queues[1].submit([{ kind: 'fill', mmu: mmu.id, address: 9 * PAGE, bytes: 1, value: 1 }]);
  const name = readdirSync(DRIVER).find((file) => /^virtio\d+$/.test(file))!;
  writeFileSync(`${DRIVER}/unbind`, name);
  try {
    // The next point that is to be reached tells.
    const fill = { kind: 'fill', mmu: mmu.id, address: PAGE, bytes: 1, value: 1 } as const;
    const refused = device.queues[2]!.submit([fill]);
    await assert.rejects(refused.wait(), refusal('DEVICE_LOST', 'ENODEV', 'DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL'));
    await assert.rejects(stalled.wait(), refusal('DEVICE_LOST'));
    const { reason, message } = await device.lost;
    assert.equal(reason, 'failed');
    assert.match(message, /DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL: ENODEV/);
    await assert.rejects(never.wait(), /DRM_IOCTL_SYNCOBJ_(QUERY|TIMELINE_WAIT): ENODEV/);
    await assert.rejects(drm.open({ memory: MEMORY }), refusal('UNSUPPORTED'));
    await device.close();
    await other.device.close();
  } finally {
    writeFileSync(`${DRIVER}/bind`, name);
  }
  const again = await drm.open({ memory: MEMORY });
  assert.match(again.info.description, /virtio_gpu/);
  await again.close();
});
