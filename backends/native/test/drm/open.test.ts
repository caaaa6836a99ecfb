import { describe, expect, it } from 'vitest';
import { DRM, drm } from '../../src/drm.js';
import { addon, probe } from '../../src/index.js';

/** Structs of the kernel's headers by the requests that take them. */
const STRUCTS = {
  version: 'drm_version',
  closeBuffer: 'drm_gem_close',
  capability: 'drm_get_cap',
  exportBuffer: 'drm_prime_handle',
  importBuffer: 'drm_prime_handle',
  createDumb: 'drm_mode_create_dumb',
  mapDumb: 'drm_mode_map_dumb',
  destroyDumb: 'drm_mode_destroy_dumb',
  createTimeline: 'drm_syncobj_create',
  destroyTimeline: 'drm_syncobj_destroy',
  exportTimeline: 'drm_syncobj_handle',
  importTimeline: 'drm_syncobj_handle',
  waitForPoint: 'drm_syncobj_timeline_wait',
  query: 'drm_syncobj_timeline_array',
  signal: 'drm_syncobj_timeline_array',
} as const;

describe('DRM devices', () => {
  it('are asked with structs and numbers as the compiler has them', () => {
    const { structs, numbers } = addon().abiTable();
    for (const { name, declaration } of Object.values(DRM))
      expect([name, declaration.request]).toEqual([name, numbers[name]]);
    const named = Object.keys(numbers).filter((name) => name.startsWith('DRM_'));
    expect(Object.values(DRM).map(({ name }) => name)).toEqual(expect.arrayContaining(named));
    for (const [request, name] of Object.entries(STRUCTS)) {
      const { struct } = DRM[request as keyof typeof STRUCTS];
      expect([name, struct?.size]).toEqual([name, structs[name]?.size]);
      expect(struct?.offsets).toMatchObject(structs[name]!.fields);
    }
    expect(DRM.dropMaster.struct).toBeUndefined();
  });

  it('are found where they are', async () => {
    const report = await drm.probe();
    expect(probe().managedDevices).toEqual(report.devices);
    expect(report.available).toBe(report.devices.length > 0);
    if (!report.available) expect(report.remedy).toMatch(/virtio-gpu/);
  });

  it('are told from other files, with errno and the name of the request', async () => {
    await expect(drm.open({ path: '/dev/null' })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('DRM_IOCTL_VERSION: ENOTTY') as string,
      cause: { code: 'ENOTTY', call: 'DRM_IOCTL_VERSION', errno: 25 },
    });
    await expect(drm.open({ path: '/nowhere' })).rejects.toMatchObject({ code: 'IO', cause: { code: 'ENOENT' } });
  });

  it('refuse bad options, and give the name back', async () => {
    for (const bad of [7, null, { path: 7 }, { name: 1 }, { memory: '1' }])
      await expect(drm.open(bad as never)).rejects.toThrow(TypeError);
    for (const memory of [0, 1, 4097, NaN, 2 ** 31]) await expect(drm.open({ memory })).rejects.toThrow(RangeError);
    for (let i = 0; i < 2; i++)
      await expect(drm.open({ path: '/dev/null', name: 'one' })).rejects.toThrow(/DRM_IOCTL_VERSION/);
  });
});
