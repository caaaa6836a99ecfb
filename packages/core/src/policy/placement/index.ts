export * from './on-touch.js';
export * from './types.js';
