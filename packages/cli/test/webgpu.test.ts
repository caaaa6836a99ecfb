import { createSpace, type Device } from '@mirrorspace/core';
import { webgpu } from '@mirrorspace/webgpu';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadBackend } from '../src/demo/backend.js';
import { runDemo } from '../src/demo/run.js';
import { renderOnDevice } from '../src/raytracer/render.js';
import { rendererFor } from '../src/raytracer/renderer.js';
import { comparePictures, ROUNDING } from '../src/raytracer/verify.js';
import { buildWorld, placeWorld, renderOnCpu } from '../src/raytracer/world.js';

const out = mkdtempSync(join(tmpdir(), 'mirrorspace-demo-'));
afterAll(() => rmSync(out, { recursive: true }));

const smallScene = { subdivisions: 0, rows: 2 };
const size = { width: 92, height: 70 };

/** Renders the small scene through pointers in the upper half of a device's addresses. */
async function renderOn(device: Device): Promise<{ actual: Uint32Array; expected: Uint32Array; row: number }> {
  const world = buildWorld({ seed: 7, ...smallScene });
  const space = await createSpace({ addressBits: device.limits.addressBits });
  const placed = await placeWorld(space, world, size, 2 ** (device.limits.addressBits - 1));
  expect(placed.scene.address).toBeGreaterThanOrEqual(2 ** (device.limits.addressBits - 1));
  const expected = await renderOnCpu(space, placed);
  const mirror = await space.attach(device);
  await renderOnDevice(mirror, placed, rendererFor(device, world)!, () => {});
  const actual = new Uint32Array((await space.read(placed.output.address, placed.output.bytes)).buffer);
  await space.close();
  await device.close();
  return { actual, expected, row: placed.pitch / 4 };
}

describe('the demo on WebGPU', { timeout: 120_000 }, () => {
  it('renders what the CPU renders, on a device too small for the scene', async () => {
    const options = { backend: 'webgpu', eviction: 'lru', prefetch: 'none', seed: 7, out, size } as const;
    const silent = { step: () => {}, advance: () => {}, stop: () => {} };
    const figures = await runDemo(await loadBackend('webgpu'), options, silent, smallScene);
    expect(figures).toMatchObject({ backend: 'webgpu', verified: true, comparison: ROUNDING });
    expect(figures.deviceBytes).toBeLessThanOrEqual(figures.sceneBytes / 4);
    expect(figures.evictions).toBeGreaterThan(0);
    expect(figures.bytesIn).toBeGreaterThan(figures.deviceBytes);
  });

  it('follows 64-bit pointers', async () => {
    const { actual, expected, row } = await renderOn(await webgpu.open({ addressBits: 47 }));
    const comparison = comparePictures(actual, row, expected, row, ROUNDING);
    expect(comparison).toMatchObject({ equal: true });
    // Most pixels are the very same: the tolerance is for edges, not for another picture.
    expect(comparison.different).toBeLessThan(expected.length / 20);
    expect(new Set(actual).size).toBeGreaterThan(500);
  });
});
