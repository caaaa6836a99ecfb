export * from './guard.js';
export * from './messages.js';
export { type RunnerOptions, runForGuard } from './runner.js';
