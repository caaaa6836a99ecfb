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

/** A part of the picture that one launch renders. */
export interface Block {
  /** Its pixels, from the top left. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** The program's second and third argument: the column and the row of its first tile. */
  readonly tiles: readonly [column: number, row: number];
  /** Its tiles: a work unit renders one. */
  readonly grid: readonly [columns: number, rows: number];
}

/** The blocks of a picture along a Hilbert curve, so that what neighbouring blocks need stays in device memory. */
export function* blocksOf({ width, height }: Size, tile: number): Generator<Block> {
  const columns = Math.ceil(width / tile);
  const rows = Math.ceil(height / tile);
  const side = BLOCK / tile;
  for (const [across, down] of hilbert(Math.ceil(columns / side), Math.ceil(rows / side))) {
    const [column, row] = [across * side, down * side];
    const [x, y] = [across * BLOCK, down * BLOCK];
    yield {
      ...{ x, y, width: Math.min(BLOCK, width - x), height: Math.min(BLOCK, height - y) },
      tiles: [column, row],
      grid: [Math.min(side, columns - column), Math.min(side, rows - row)],
    };
  }
}

/** Renders the picture on the device, block by block. `onBlock` is called after every launch with the number of launches done. */
export async function renderOnDevice(
  mirror: Mirror,
  world: PlacedWorld,
  { program, tile }: DeviceRenderer,
  onBlock: (done: number) => void,
): Promise<void> {
  let done = 0;
  for (const { tiles, grid } of blocksOf(world.size, tile)) {
    await mirror.launch(program, { args: [world.scene.address, ...tiles], grid }).wait();
    done += 1;
    onBlock(done);
  }
}
