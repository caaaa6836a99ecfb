export { bundle } from './bundle.js';
export { openBrowser, type OpenBrowser } from './chromium/open.js';
export { serve, type Site } from './serve.js';
