import type { AddressSpace, Region } from '@mirrorspace/core';
import { buildBvh, type Bvh } from './bvh.js';
import { lookAt } from './camera.js';
import { layOut, writeScene, type Layout } from './layout.js';
import { CpuMemory, renderReference } from './reference.js';
import { buildScene, type SceneOptions, type Triangles } from './scene.js';
import { TILE } from './tracer.js';

/** Pixels across and down. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A scene in the CPU's own arrays, ready to be written into a space. */
export interface World {
  readonly triangles: Triangles;
  readonly bvh: Bvh;
  readonly layout: Layout;
}

/** The scene and the picture in shared memory. The scene's header is its first byte. */
export interface PlacedWorld {
  readonly scene: Region;
  readonly output: Region;
  readonly size: Size;
  /** Bytes from one row of pixels to the next: whole tiles, so that none of their rows straddles a page. */
  readonly pitch: number;
}

/** Builds the scene's triangles and the hierarchy over them. */
export function buildWorld(options: SceneOptions): World {
  const triangles = buildScene(options);
  const bvh = buildBvh(triangles.corners);
  return { triangles, bvh, layout: layOut(bvh) };
}

/** Maps room for the scene near `address`, with the picture behind it, and writes the scene as the CPU: with addresses as pointers. */
export async function placeWorld(space: AddressSpace, world: World, size: Size, address: number): Promise<PlacedWorld> {
  const { layout, bvh, triangles } = world;
  const { width, height } = size;
  const pitch = Math.ceil(width / TILE) * TILE * 4;
  const scene = space.map({ bytes: layout.bytes, address, name: 'scene' });
  const output = space.map({ bytes: pitch * height, address: scene.end, name: 'picture' });
  const camera = lookAt([-0.5, 1.75, 3.9], [0.05, 0.5, -0.9], 0.82, width / height);
  using held = await space.acquire(scene.address, layout.bytes, 'write');
  writeScene(held.bytes, scene.address, layout, bvh, triangles, {
    pixels: output.address,
    width,
    height,
    pitch,
    camera,
  });
  return { scene, output, size, pitch };
}

/** Renders the picture on the CPU, through the same pointers, into memory of its own: pixels of one row behind the other. */
export async function renderOnCpu(
  space: AddressSpace,
  { scene, output, size, pitch }: PlacedWorld,
): Promise<Uint32Array> {
  const pixels = new Uint32Array((pitch / 4) * size.height);
  using held = await space.acquire(scene.address, scene.bytes, 'read');
  const memory = new CpuMemory({ address: scene.address, bytes: held.bytes }, { address: output.address, pixels });
  renderReference(memory, scene.address, size.width, size.height);
  return pixels;
}
