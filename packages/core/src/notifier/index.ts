export * from './dirty-ptes.js';
export * from './event.js';
export * from './interval-notifier.js';
export * from './notifier-list.js';
