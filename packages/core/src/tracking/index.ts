export { HoldTracker } from './hold-tracker.js';
export { type PageTracker } from './page-tracker.js';
