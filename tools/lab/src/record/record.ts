import { mkdir } from 'node:fs/promises';
import { Gpu, type Recordable } from '../programs/gpu.js';
import { decodeTrace } from '../trace/format.js';
import { writeTrace } from '../trace/writer.js';

/** What was recorded. */
export interface Recorded {
  readonly path: string;
  readonly records: number;
}

/**
 * Runs a program on the reference device, compares its result with the plain version's, and writes its page trace as
 * `<folder>/<name>.mstrace.gz`.
 * @throws Error where the results differ; then no file is left
 */
export async function recordProgram(program: Recordable, folder: string): Promise<Recorded> {
  await mkdir(folder, { recursive: true });
  const path = `${folder}/${program.name}.mstrace.gz`;
  const parts: Uint8Array[] = [];
  const gpu = await Gpu.open((bytes) => parts.push(bytes));
  try {
    const verify = await program.run(gpu);
    const { header, pageSize } = gpu.stop();
    await verify();
    const chunks = decodeTrace(inTurn([header, ...parts]), program.name);
    return { path, records: await writeTrace(path, { pageSize }, chunks) };
  } finally {
    await gpu.close();
  }
}

async function* inTurn(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}
