import type { Mirror } from '@mirrorspace/core';
import { hilbert } from './hilbert.js';
import { traceProgram } from './program.js';
import { TILE } from './tracer.js';
import type { PlacedWorld } from './world.js';

/** Tiles along the side of a launch's block. */
const BLOCK = 8;

/** Launches that {@link renderOnDevice} makes for a picture. */
export function launchesFor({ width, height }: PlacedWorld['size']): number {
  return Math.ceil(width / (TILE * BLOCK)) * Math.ceil(height / (TILE * BLOCK));
}

/**
 * Renders the picture on the device, block by block along a Hilbert curve, so that what neighbouring blocks need stays in
 * device memory. `onBlock` is called after every launch with the number of launches done.
 */
export async function renderOnDevice(
  mirror: Mirror,
  world: PlacedWorld,
  onBlock: (done: number) => void,
): Promise<void> {
  const columns = Math.ceil(world.size.width / TILE);
  const rows = Math.ceil(world.size.height / TILE);
  let done = 0;
  for (const [x, y] of hilbert(Math.ceil(columns / BLOCK), Math.ceil(rows / BLOCK))) {
    const [column, row] = [x * BLOCK, y * BLOCK];
    const grid = [Math.min(BLOCK, columns - column), Math.min(BLOCK, rows - row)] as [number, number];
    const fence = mirror.launch(traceProgram, { args: [world.scene.address, column, row], grid });
    await fence.wait();
    done += 1;
    onBlock(done);
  }
}
