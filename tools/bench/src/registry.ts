import { faultIn } from './benchmarks/fault-in.js';
import { faultMetadata } from './benchmarks/fault-metadata.js';
import { invalidate } from './benchmarks/invalidate.js';
import { lru } from './benchmarks/lru.js';
import { merge } from './benchmarks/merge.js';
import { policies } from './benchmarks/policies.js';
import { regionLookup } from './benchmarks/region-lookup.js';
import { residentMetadata } from './benchmarks/resident-metadata.js';
import { sparseMetadata } from './benchmarks/sparse-metadata.js';
import { nativeFault } from './benchmarks/native/fault.js';
import { nativeScan } from './benchmarks/native/scan.js';
import { nativeTouch } from './benchmarks/native/touch.js';
import { nativeEngine } from './benchmarks/native/engine.js';
import { webgpuAccess } from './benchmarks/webgpu/access.js';
import { webgpuStream } from './benchmarks/webgpu/stream.js';
import { webgpuSync } from './benchmarks/webgpu/sync.js';
import type { Benchmark } from './harness/benchmark.js';

/** All benchmarks, in the order in which they run. */
export const benchmarks: readonly Benchmark[] = [
  faultIn,
  faultMetadata,
  invalidate,
  sparseMetadata,
  lru,
  policies,
  merge,
  regionLookup,
  residentMetadata,
  webgpuAccess,
  webgpuSync,
  webgpuStream,
  nativeFault,
  nativeTouch,
  nativeScan,
  nativeEngine,
];
