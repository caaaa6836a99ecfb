import { MirrorError } from '../driver/index.js';

/** Whether an error says that host memory is used up. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof MirrorError && error.code === 'OUT_OF_HOST_MEMORY';
}
