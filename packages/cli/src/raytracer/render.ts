import type { Mirror } from '@mirrorspace/core';
import { hilbert } from './hilbert.js';
import type { DeviceRenderer } from './renderer.js';
import type { PlacedWorld, Size } from './world.js';

/** Pixels along the side of a launch's block. */
const BLOCK = 32;

/** Launches that {@link renderOnDevice} makes for a picture. */
export function launchesFor({ width, height }: Size): number {
  return Math.ceil(width / BLOCK) * Math.ceil(height / BLOCK);
}

/**
 * Renders the picture on the device, block by block along a Hilbert curve, so that what neighbouring blocks need stays in
 * device memory. `onBlock` is called after every launch with the number of launches done.
 */
export async function renderOnDevice(
  mirror: Mirror,
  world: PlacedWorld,
  { program, tile }: DeviceRenderer,
  onBlock: (done: number) => void,
): Promise<void> {
  const columns = Math.ceil(world.size.width / tile);
  const rows = Math.ceil(world.size.height / tile);
  const side = BLOCK / tile;
  let done = 0;
  for (const [x, y] of hilbert(Math.ceil(columns / side), Math.ceil(rows / side))) {
    const [column, row] = [x * side, y * side];
    const grid = [Math.min(side, columns - column), Math.min(side, rows - row)] as [number, number];
    const fence = mirror.launch(program, { args: [world.scene.address, column, row], grid });
    await fence.wait();
    done += 1;
    onBlock(done);
  }
}
