import type { Comparison, Tolerance } from '../raytracer/verify.js';

/** What a run of the demo measured. Bytes are bytes, times milliseconds of real time unless they say otherwise. */
export interface DemoFigures {
  readonly backend: string;
  readonly device: string;
  /** The device's picture equals the CPU's, within the tolerance of the renderer's arithmetic. */
  readonly verified: boolean;
  /** How they compare, and the tolerance: 0 steps and a share of 0 mean bit for bit. */
  readonly comparison: Comparison & Tolerance;
  readonly width: number;
  readonly height: number;
  readonly triangles: number;
  readonly sceneBytes: number;
  readonly pictureBytes: number;
  readonly deviceBytes: number;
  readonly pageSize: number;
  readonly eviction: string;
  readonly prefetch: string;
  readonly seed: number;
  readonly launches: number;
  readonly faults: number;
  readonly batches: number;
  readonly pagesIn: number;
  readonly pagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly evictions: number;
  /** What travels when the whole scene is copied to the device and the picture back. */
  readonly copyEverythingBytes: number;
  /** The device's rendering, paging included, until the CPU has the picture. */
  readonly timeMs: number;
  /** The same by the device's own clock, which a simulated device keeps. */
  readonly deviceTimeMs: number;
  /** Mesh, scene and tree. */
  readonly buildMs: number;
  /** The CPU's rendering. */
  readonly cpuRenderMs: number;
  readonly totalMs: number;
  /** What was written, as paths. */
  readonly files: { readonly picture: string; readonly residency: string; readonly trace: string };
}
