import { InvalidArgumentError } from 'commander';
import type { Size } from '../raytracer/world.js';

/** Bytes of a page on the smallest grain that devices offer. */
const PAGE = 4096;
const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KIB: 2 ** 10, MIB: 2 ** 20, GIB: 2 ** 30 };

/** Device memory below which not even a few pages of scene, tree and picture fit. */
const MIN_MEMORY = 16 * PAGE;
/** More is refused: a typing error rather than a wish. */
const MAX_MEMORY = 4 * 2 ** 30;
const MIN_SIDE = 16;
const MAX_SIDE = 2048;

export const EVICTIONS = ['lru', 'clock', 'fifo'] as const;
export const PREFETCHES = ['none', 'next', 'tree'] as const;

/** What `mirrorspace demo` was asked for. */
export interface DemoOptions {
  readonly backend: string;
  /** Device memory in bytes; by default a quarter of the scene. */
  readonly memory?: number;
  readonly size: Size;
  readonly eviction: (typeof EVICTIONS)[number];
  readonly prefetch: (typeof PREFETCHES)[number];
  readonly seed: number;
  /** Folder for the pictures and the trace. */
  readonly out: string;
}

/**
 * Reads bytes: `4194304`, `4MiB`, `0.5 MiB`; rounded down to whole pages of 4 KiB.
 * @throws InvalidArgumentError for anything else, and below {@link MIN_MEMORY} or above {@link MAX_MEMORY}
 */
export function parseMemory(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMG]iB|B|)$/i.exec(text.trim());
  const bytes = match === null ? NaN : Number(match[1]) * UNITS[match[2]!.toUpperCase()]!;
  if (!Number.isFinite(bytes)) throw new InvalidArgumentError('Say bytes, as in 4194304 or 4MiB.');
  if (bytes < MIN_MEMORY) throw new InvalidArgumentError(`Too little: at least ${MIN_MEMORY / 1024}KiB is needed.`);
  if (bytes > MAX_MEMORY) throw new InvalidArgumentError(`Too much: at most ${MAX_MEMORY / 2 ** 30}GiB is accepted.`);
  return Math.floor(bytes / PAGE) * PAGE;
}

/**
 * Reads a picture size such as `480x360`.
 * @throws InvalidArgumentError for anything else, and outside {@link MIN_SIDE} to {@link MAX_SIDE} pixels a side
 */
export function parseSize(text: string): Size {
  const match = /^(\d{1,6})x(\d{1,6})$/i.exec(text.trim());
  if (match === null) throw new InvalidArgumentError('Say width x height in pixels, as in 480x360.');
  const [width, height] = [Number(match[1]), Number(match[2])];
  if (Math.min(width, height) < MIN_SIDE || Math.max(width, height) > MAX_SIDE) {
    throw new InvalidArgumentError(`Each side must be from ${MIN_SIDE} to ${MAX_SIDE} pixels.`);
  }
  return { width, height };
}

/**
 * Reads a seed: a whole number from 0 to 2^32 - 1.
 * @throws InvalidArgumentError for anything else
 */
export function parseSeed(text: string): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed >= 2 ** 32)
    throw new InvalidArgumentError('Say a whole number from 0 to 4294967295.');
  return seed;
}

/**
 * Reads the name of a backend: `memory` stands for the package `@mirrorspace/memory`.
 * @throws InvalidArgumentError for what cannot be part of a package name
 */
export function parseBackend(text: string): string {
  if (!/^[a-z][a-z0-9-]*$/.test(text)) {
    throw new InvalidArgumentError('Say the last part of its package name, as in memory for @mirrorspace/memory.');
  }
  return text;
}
