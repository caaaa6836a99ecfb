import { createSpace, recordTrace, Tracer, type AddressSpace, type Backend, type Device } from '@mirrorspace/core';
import type { DemoDeviceOptions } from './backend.js';
import type { DemoFigures } from './figures.js';
import type { DemoOptions } from './options.js';
import { writeFiles } from './files.js';
import type { Progress } from './progress.js';
import { launchesFor, renderOnDevice } from '../raytracer/render.js';
import { ResidencyRecorder } from './residency-recorder.js';
import { type DeviceRenderer, rendererFor } from '../raytracer/renderer.js';
import type { SceneOptions } from '../raytracer/scene.js';
import { comparePictures } from '../raytracer/verify.js';
import { buildWorld, placeWorld, renderOnCpu, type World } from '../raytracer/world.js';

/** The device's memory is this part of the scene unless `--memory` says otherwise. */
const MEMORY_SHARE = 1 / 4;

/** The backend is there but this machine or device cannot run the demo; ends the process with exit code 1. */
export class CannotRunError extends Error {
  override readonly name = 'CannotRunError';
}

/** Builds the scene, renders it on the CPU and on the device, compares, writes the files and returns the figures. */
export async function runDemo(
  backend: Backend<DemoDeviceOptions>,
  options: DemoOptions,
  progress: Progress,
  scene: Omit<SceneOptions, 'seed'> = {},
): Promise<DemoFigures> {
  const started = performance.now();
  const probe = await backend.probe();
  if (!probe.available) {
    const why = [probe.reason, probe.remedy].filter((part) => part !== undefined).join('; ');
    throw new CannotRunError(`the backend "${options.backend}" cannot run here: ${why}`);
  }
  progress.step('building the scene', 1);
  const world = buildWorld({ seed: options.seed, ...scene });
  const buildMs = performance.now() - started;
  const memory = options.memory ?? Math.floor((world.layout.bytes * MEMORY_SHARE) / 4096) * 4096;
  const device = await backend.open({ memory, seed: options.seed });
  try {
    const renderer = rendererFor(device, world);
    if (renderer === undefined)
      throw new CannotRunError(
        `the device ${device.info.name} runs neither JavaScript, WebAssembly nor WGSL, of which the demo needs one`,
      );
    const tracer = new Tracer();
    const space = await createSpace({
      pageSize: device.limits.pageSizes[0]!,
      addressBits: device.limits.addressBits,
      trace: tracer,
    });
    try {
      return await renderAndCompare({ space, device, renderer, tracer, world, options, progress, started, buildMs });
    } finally {
      await space.close();
    }
  } finally {
    await device.close();
    progress.stop();
  }
}

interface Run {
  readonly space: AddressSpace;
  readonly device: Device;
  readonly renderer: DeviceRenderer;
  readonly tracer: Tracer;
  readonly world: World;
  readonly options: DemoOptions;
  readonly progress: Progress;
  readonly started: number;
  readonly buildMs: number;
}

async function renderAndCompare(run: Run): Promise<DemoFigures> {
  const { space, device, renderer, tracer, world, options, progress } = run;
  const { width, height } = options.size;
  // As high as the device's addresses reach, to show that pointers are whole pointers.
  const placed = await placeWorld(space, world, options.size, 2 ** (device.limits.addressBits - 1));
  const { scene, output, pitch } = placed;

  progress.step('rendering on the CPU', 1);
  const cpuStarted = performance.now();
  const expected = await renderOnCpu(space, placed);
  const cpuRenderMs = performance.now() - cpuStarted;

  const mirror = await space.attach(device, { eviction: options.eviction, prefetch: options.prefetch });
  const recorder = new ResidencyRecorder(mirror, [
    { name: 'scene', start: scene.address, bytes: scene.bytes },
    { name: 'picture', start: output.address, bytes: output.bytes },
  ]);
  const recording = recordTrace(tracer);
  const launches = launchesFor(options.size);
  progress.step(`rendering on ${device.info.name}`, launches);
  const deviceStarted = performance.now();
  const clockStarted = device.now();
  await renderOnDevice(mirror, placed, renderer, (done) => {
    recorder.sample();
    progress.advance(done);
  });
  using held = await space.acquire(output.address, pitch * height, 'read');
  const timeMs = performance.now() - deviceStarted;
  const deviceTimeMs = (device.now() - clockStarted) / 1000;
  recording.stop();

  const actual = held.as(Uint32Array);
  const comparison = comparePictures(actual, pitch / 4, expected, pitch / 4, renderer.tolerance);
  progress.step('writing the pictures and the trace', 1);
  const { triangles, layout } = world;
  const { eviction, prefetch, seed } = options;
  const files = await writeFiles(options.out, {
    pixels: actual,
    pitch,
    width,
    height,
    histories: recorder.histories,
    title: `residency of pages, ${eviction} eviction, prefetch ${prefetch}`,
    events: recording.events,
  });
  const { faults, batches, pagesIn, pagesOut, bytesIn, bytesOut, evictions } = mirror.stats;
  const pictureBytes = pitch * height;
  return {
    backend: options.backend,
    device: device.info.name,
    verified: comparison.equal,
    comparison: { ...renderer.tolerance, ...comparison },
    ...{ width, height, triangles: triangles.count, sceneBytes: layout.bytes, pictureBytes },
    ...{ deviceBytes: device.limits.memory, pageSize: space.pageSize, eviction, prefetch, seed, launches },
    ...{ faults, batches, pagesIn, pagesOut, bytesIn, bytesOut, evictions },
    copyEverythingBytes: layout.bytes + pictureBytes,
    ...{ timeMs, deviceTimeMs, buildMs: run.buildMs, cpuRenderMs, totalMs: performance.now() - run.started },
    files,
  };
}
