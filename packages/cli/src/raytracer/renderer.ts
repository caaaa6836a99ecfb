import type { Device, Program } from '@mirrorspace/core';
import { jsProgram } from './js-program.js';
import { TILE } from './tracer.js';
import { EXACT, ROUNDING, type Tolerance } from './verify.js';
import { wasmProgram } from './wasm-program.js';
import { WGSL_TILE, wgslProgram } from './wgsl-program.js';
import type { World } from './world.js';

/** How a device renders. */
export interface DeviceRenderer {
  readonly program: Program;
  /** Pixels along the side of the tile that a work unit renders. */
  readonly tile: number;
  /** How far the picture may be from the CPU's. */
  readonly tolerance: Tolerance;
}

/** The renderer in a language that the device runs; `undefined` where it runs none of them. */
export function rendererFor(device: Device, { bvh }: World): DeviceRenderer | undefined {
  if (device.features.has('program:js')) return { program: jsProgram, tile: TILE, tolerance: EXACT };
  if (device.features.has('program:wasm')) return { program: wasmProgram, tile: TILE, tolerance: EXACT };
  if (!device.features.has('program:wgsl')) return undefined;
  const { addressBits } = device.limits;
  return { program: wgslProgram({ addressBits, depth: bvh.depth }), tile: WGSL_TILE, tolerance: ROUNDING };
}
