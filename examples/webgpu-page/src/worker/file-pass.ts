import { blobSource, createSpace, managedMemory } from '@mirrorspace/core';
import { webgpu } from '@mirrorspace/webgpu';
import type { FileFound, FileProgress } from '../messages.js';
import { countersOf } from './counters.js';
import { Crc } from './crc.js';
import { fileProgram } from './file-program.js';

/** Whoever walks a whole file wants large pages: each fault reads one. */
const PAGE = 65_536;
const LEAST_MEMORY = 16 * PAGE;
/** Bytes of the file that host memory keeps. */
const HOST_BUDGET = 64 * 2 ** 20;
/** Pages that a launch looks at. */
const CHUNK = 128;
const PROGRESS_MS = 100;

/** How a file goes through the GPU. */
export interface FilePass {
  /** Bytes of device memory; 1 MiB at least. */
  readonly memory: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: FileProgress) => void;
}

/**
 * Maps a file as memory, and lets the GPU read it from end to end: its faults pull in the pages. Whatever the file's size, the
 * device holds `memory` bytes of it at most, and the host its budget.
 */
export async function passOverFile(
  file: File,
  { memory, signal, onProgress }: FilePass,
): Promise<{ found: FileFound; progress: FileProgress }> {
  const frames = Math.max(memory, LEAST_MEMORY) / PAGE;
  const device = await webgpu.open({
    memory: Math.floor(frames) * PAGE,
    pageSizes: [PAGE],
    // Together they touch no more than half the device's memory.
    residentUnits: Math.max(1, Math.floor(frames / 2)),
  });
  try {
    const space = await createSpace({
      addressBits: device.limits.addressBits,
      host: managedMemory({ pageSize: PAGE }),
      reclaim: { budget: HOST_BUDGET },
    });
    try {
      const mirror = await space.attach(device, { batch: 1024, prefetch: 'none' });
      const region = space.map({ bytes: file.size, source: blobSource(file), access: 'read', share: 'shared' });
      const counts = space.map({ bytes: CHUNK * 1024, name: 'counts' });
      const remainders = space.map({ bytes: CHUNK * 4, name: 'remainders' });
      const program = fileProgram(PAGE);
      const pages = Math.ceil(file.size / PAGE);
      const histogram = new Float64Array(256);
      const crc = new Crc(PAGE);
      const start = performance.now();
      let done = 0;
      const progress = (): FileProgress => ({
        bytes: file.size,
        done: Math.min(done * PAGE, file.size),
        ms: performance.now() - start,
        counters: countersOf(mirror, device),
        hostBytes: space.memory.used,
        residency: mirror.residency(region.address, file.size).slice(),
      });
      const timer = setInterval(() => onProgress(progress()), PROGRESS_MS);
      try {
        while (done < pages) {
          signal.throwIfAborted();
          const count = Math.min(CHUNK, pages - done);
          const args = [region.address + done * PAGE, counts.address, remainders.address];
          await mirror.launch(program, { args, grid: [count] }).wait({ signal });
          const found = words(await space.read(counts.address, count * 1024));
          for (let i = 0; i < found.length; i += 1) histogram[i % 256]! += found[i]!;
          words(await space.read(remainders.address, count * 4)).forEach((remainder) => crc.add(remainder));
          done += count;
        }
      } finally {
        clearInterval(timer);
      }
      // Behind the end of the file its last page is zeros.
      histogram[0]! -= pages * PAGE - file.size;
      return { found: { crc: crc.of(file.size), histogram }, progress: progress() };
    } finally {
      await space.close();
    }
  } finally {
    await device.close();
  }
}

function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.slice().buffer);
}
