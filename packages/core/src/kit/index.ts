export * from './cancelled-access.js';
export * from './check-commands.js';
export * from './check-mmu-options.js';
export * from './command-loop.js';
export * from './fault-ring.js';
export * from './mmu-table.js';
export * from './submission-queue.js';
export * from './timeline-fence.js';
