export * from './report.js';
export * from './formats.js';
