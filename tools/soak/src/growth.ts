import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { LedgerEntry } from '@mirrorspace/webgpu';
import type { World } from './world.js';

/** Bytes that a run holds, by what for. */
export interface Holdings {
  /** The process. */
  readonly rss: number;
  /** Array buffers. */
  readonly buffers: number;
  /** JavaScript objects. */
  readonly heap: number;
  /** GPU memory of the device, but for buffers of which there are a few at most. */
  readonly device: number;
  /** Metadata of the space and the mirror. */
  readonly metadata: number;
}

/** How much more than after the warm-up may be held at the end, as a share, and in bytes. */
const ALLOWED: Record<keyof Holdings, readonly [share: number, bytes: number]> = {
  rss: [0.25, 96 * 2 ** 20],
  buffers: [0.1, 8 * 2 ** 20],
  heap: [0.25, 16 * 2 ** 20],
  device: [0.1, 2 ** 20],
  metadata: [0.25, 2 ** 20],
};

/** Buffers for uploads, four at most, that a device makes once it has found out that they pay. */
const LATER: readonly string[] = ['upload ring', 'calibration'];

let collect: (() => void) | undefined;

/** What is held once all garbage is collected. */
export async function holdings({ device, space, mirror }: World): Promise<Holdings> {
  setFlagsFromString('--expose-gc');
  collect ??= runInNewContext('gc') as () => void;
  // What is freed by finalizers is freed in a later turn.
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { rss, arrayBuffers, heapUsed } = process.memoryUsage();
  const ledger = 'memoryUse' in device ? (device.memoryUse as readonly LedgerEntry[]) : [];
  return {
    rss,
    buffers: arrayBuffers,
    heap: heapUsed,
    device: ledger.reduce((sum, { use, bytes }) => (LATER.includes(use) ? sum : sum + bytes), 0),
    metadata: space.metadataBytes + mirror.metadataBytes,
  };
}

/** @throws Error that names what grew */
export function checkGrowth(before: Holdings, after: Holdings): void {
  for (const key of Object.keys(ALLOWED) as (keyof Holdings)[]) {
    const [share, bytes] = ALLOWED[key];
    const most = before[key] * (1 + share) + bytes;
    if (after[key] > most)
      throw new Error(`${key} grew from ${mib(before[key])} to ${mib(after[key])}; ${mib(most)} are allowed`);
  }
}

/** Bytes for people. */
export function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
