import { type AddressSpace, createSpace, type Mirror, type MirrorError } from '@mirrorspace/core';
import { webgpu, type WebgpuDevice } from '@mirrorspace/webgpu';
import {
  type Block,
  blocksOf,
  buildWorld,
  type DeviceRenderer,
  placeWorld,
  type PlacedWorld,
  rendererFor,
  type World,
  writeTarget,
} from 'mirrorspace/raytracer';
import type { Counters, Opened, Part } from '../messages.js';
import { cameraOf, type Orbit } from '../orbit.js';
import { SCENES, SEED, type Settings } from '../settings.js';
import { countersOf } from './counters.js';

/** A large picture is rendered with so many times fewer pixels across and down first: something is to be seen at once. */
const COARSE = 4;
/** Pixels across from which a picture is large. In a coarse one of a small picture, a tile would need a large part of the scene at once. */
const LARGE = 320;
/** The page gets what is new no more often than that. */
const SHOW_MS = 80;

const worlds = new Map<string, World>();

/** What is told while a picture is rendered. */
export interface RenderListener {
  /** Parts of a pass are done, which is `progress` (0 to 1) of it. */
  onParts(coarseness: number, progress: number, parts: readonly Part[]): void;
  /** The moment to look where pages are: the device has rendered, the CPU has not read yet. */
  onResidency(): void;
  /** Whether this picture is not wanted any more. */
  isStale(): boolean;
}

/** A scene in a space, and a device that renders it. */
export class SceneSession {
  readonly opened: Opened;
  readonly #device: WebgpuDevice;
  readonly #space: AddressSpace;
  readonly #mirror: Mirror;
  readonly #placed: PlacedWorld;
  readonly #renderer: DeviceRenderer;

  private constructor(
    device: WebgpuDevice,
    space: AddressSpace,
    mirror: Mirror,
    placed: PlacedWorld,
    renderer: DeviceRenderer,
  ) {
    this.#device = device;
    this.#space = space;
    this.#mirror = mirror;
    this.#placed = placed;
    this.#renderer = renderer;
    const { pageSize } = space;
    this.opened = {
      device: device.info.description,
      pageSize,
      frames: device.limits.memory / pageSize,
      scenePages: (placed.scene.end - placed.scene.address) / pageSize,
      picturePages: (placed.output.end - placed.output.address) / pageSize,
    };
  }

  /** Opens a device, writes the scene as the CPU, and attaches the device to it. */
  static async open({ memory, eviction, prefetch, scene, width, height }: Settings): Promise<SceneSession> {
    const device = await webgpu.open({ memory, pageSizes: [4096] });
    try {
      let world = worlds.get(scene);
      if (world === undefined) worlds.set(scene, (world = buildWorld({ seed: SEED, ...SCENES[scene] })));
      const renderer = rendererFor(device, world)!;
      const space = await createSpace({ addressBits: device.limits.addressBits });
      const placed = await placeWorld(space, world, { width, height }, 2 ** (device.limits.addressBits - 1));
      const mirror = await space.attach(device, { eviction, prefetch });
      return new SceneSession(device, space, mirror, placed, renderer);
    } catch (error) {
      await device.close();
      throw error;
    }
  }

  /** Calls back when the device is gone without having been closed. */
  onLost(call: (error: MirrorError) => void): void {
    void this.#mirror.lost.then(({ error }) => {
      if (error.code !== 'CLOSED') call(error);
    });
  }

  /** Renders what is seen from an orbit, coarse first. Resolves to the milliseconds it took; `undefined` when it was not wanted to the end. */
  async render(orbit: Orbit, listener: RenderListener): Promise<number | undefined> {
    const start = performance.now();
    for (const coarseness of this.#placed.size.width < LARGE ? [1] : [COARSE, 1]) {
      const pitch = await this.#aim(orbit, coarseness);
      // The coarse pass is always completed: else nothing would be seen of a camera that keeps moving.
      const isStale = () => coarseness === 1 && listener.isStale();
      if (!(await this.#pass(coarseness, pitch, listener, isStale))) return undefined;
    }
    return performance.now() - start;
  }

  /** Where the pages of scene and picture are: `RESIDENT_*` bits. */
  residency(): Uint8Array<ArrayBuffer> {
    const { scene, output } = this.#placed;
    const pages = new Uint8Array(this.opened.scenePages + this.opened.picturePages);
    pages.set(this.#mirror.residency(scene.address, scene.bytes));
    pages.set(this.#mirror.residency(output.address, output.bytes), this.opened.scenePages);
    return pages;
  }

  get counters(): Counters {
    return countersOf(this.#mirror, this.#device);
  }

  /** Ends what is in flight, and gives all memory back. */
  async close(): Promise<void> {
    try {
      await this.#space.close();
    } finally {
      await this.#device.close();
    }
  }

  #sizeOf(coarseness: number): { width: number; height: number } {
    const { width, height } = this.#placed.size;
    return { width: Math.ceil(width / coarseness), height: Math.ceil(height / coarseness) };
  }

  /** Writes camera and picture into the scene's header, as the CPU: the device's copy of that page goes. Returns bytes a row. */
  async #aim(orbit: Orbit, coarseness: number): Promise<number> {
    const { scene, output, size, pitch: most } = this.#placed;
    const { width, height } = this.#sizeOf(coarseness);
    const pitch = Math.min(most, width * 4);
    using held = await this.#space.acquire(scene.address, this.#space.pageSize, 'write');
    const camera = cameraOf(orbit, size.width / size.height);
    writeTarget(held.bytes, { pixels: output.address, width, height, pitch, camera });
    return pitch;
  }

  async #pass(coarseness: number, pitch: number, listener: RenderListener, isStale: () => boolean): Promise<boolean> {
    const { scene, output } = this.#placed;
    const { program, tile } = this.#renderer;
    const size = this.#sizeOf(coarseness);
    const blocks = [...blocksOf(size, tile)];
    let shown = 0;
    let last = performance.now();
    for (let done = 1; done <= blocks.length; done += 1) {
      if (isStale()) return false;
      const { tiles, grid } = blocks[done - 1]!;
      await this.#mirror.launch(program, { args: [scene.address, ...tiles], grid }).wait();
      if (done < blocks.length && performance.now() < last + SHOW_MS) continue;
      listener.onResidency();
      // Where the device wrote, the CPU reads: dirty pages come home.
      using held = await this.#space.acquire(output.address, pitch * size.height, 'read');
      const parts = blocks.slice(shown, done).map((block) => partOf(held.bytes, pitch, block));
      listener.onParts(coarseness, done / blocks.length, parts);
      shown = done;
      last = performance.now();
    }
    return true;
  }
}

function partOf(bytes: Uint8Array, pitch: number, { x, y, width, height }: Block): Part {
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let row = 0; row < height; row += 1) {
    const from = (y + row) * pitch + x * 4;
    pixels.set(bytes.subarray(from, from + width * 4), row * width * 4);
  }
  return { x, y, width, height, pixels };
}
