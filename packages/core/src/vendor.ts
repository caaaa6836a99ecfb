export * from './driver/index.js';
export * from './kit/index.js';
