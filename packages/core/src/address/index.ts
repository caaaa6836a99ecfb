export * from './id-list.js';
export * from './interval-index.js';
export * from './ordered-map.js';
export * from './page.js';
export * from './page-table.js';
export * from './range.js';
export * from './read-ahead.js';
