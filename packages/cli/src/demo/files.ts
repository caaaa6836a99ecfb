import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { chromeTrace, type TraceEvent } from '@mirrorspace/core';
import { UsageError } from './backend.js';
import { encodePng } from './canvas.js';
import type { DemoFigures } from './figures.js';
import { drawResidency } from './picture.js';
import type { ResidencyHistory } from './residency-recorder.js';

/** What the demo leaves behind. */
export interface DemoOutput {
  /** `0xaabbggrr` a pixel; rows are `pitch` bytes apart. */
  readonly pixels: Uint32Array;
  readonly pitch: number;
  readonly width: number;
  readonly height: number;
  readonly histories: readonly ResidencyHistory[];
  readonly title: string;
  readonly events: readonly TraceEvent[];
}

/**
 * Makes the output folder where it is missing.
 * @throws UsageError when that is impossible
 */
export async function makeFolder(out: string): Promise<void> {
  try {
    await mkdir(out, { recursive: true });
  } catch (error) {
    throw new UsageError(`cannot make the output folder ${resolve(out)}: ${String(error)}`, { cause: error });
  }
}

/** Writes picture, residency picture and trace into the folder `out` and returns their paths. */
export async function writeFiles(out: string, output: DemoOutput): Promise<DemoFigures['files']> {
  const files = {
    picture: join(out, 'mirrorspace-demo.png'),
    residency: join(out, 'mirrorspace-residency.png'),
    trace: join(out, 'mirrorspace-trace.json'),
  };
  const { width, height, pitch, pixels } = output;
  const bytes = new Uint8Array(pixels.buffer, pixels.byteOffset, pitch * height);
  const rgba = new Uint8Array(width * height * 4);
  for (let row = 0; row < height; row += 1) {
    rgba.set(bytes.subarray(row * pitch, row * pitch + width * 4), row * width * 4);
  }
  await makeFolder(out);
  await writeFile(files.picture, encodePng(width, height, rgba));
  await writeFile(files.residency, drawResidency(output.histories, output.title));
  await writeFile(files.trace, JSON.stringify(chromeTrace(output.events)));
  return files;
}
