export * from './check-commands.js';
export * from './fault-ring.js';
export * from './timeline-fence.js';
