export * from './access.js';
export * from './command.js';
export * from './device.js';
export * from './errors.js';
export * from './fault.js';
export * from './fence.js';
export * from './program.js';
