export { EXIT_FAILED, EXIT_OK, EXIT_USAGE, runCli } from './cli.js';
export type { DemoFigures } from './demo/figures.js';
export type { Io } from './demo/progress.js';
