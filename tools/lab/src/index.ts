export { DenseReplay } from './bare/dense-replay.js';
export { zipf } from './bare/streams.js';
export { MirrorReplay } from './replay/mirror-replay.js';
export { shapeOf } from './replay/shape.js';
export { memoryTrace } from './trace/memory-trace.js';
