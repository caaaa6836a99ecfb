export * from './active-window.js';
