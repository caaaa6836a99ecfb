// The scene of the demo and its renderers, for Node and for browsers alike.
export { type Camera, lookAt, type Vector } from './camera.js';
export { type Target, writeTarget } from './layout.js';
export { hilbert } from './hilbert.js';
export { type Block, blocksOf, launchesFor, renderOnDevice } from './render.js';
export { type DeviceRenderer, rendererFor } from './renderer.js';
export { type SceneOptions } from './scene.js';
export { type Comparison, comparePictures, EXACT, ROUNDING, type Tolerance } from './verify.js';
export { WGSL_TILE, type WgslOptions, wgslProgram } from './wgsl-program.js';
export { buildWorld, placeWorld, type PlacedWorld, renderOnCpu, type Size, type World } from './world.js';
