import type { Backend } from '@mirrorspace/core/driver';
import { PlainDevice } from './device.js';
import { PAGE_SIZE } from './page-table.js';

/** Options of {@link plain}. */
export interface PlainOptions {
  /** Bytes of device memory, at least 4096. Default: 4 MiB. */
  readonly memory?: number;
}

let opened = 0;

/** Opens plain page devices. */
export const plain: Backend<PlainOptions> = {
  name: 'plain',
  probe: async () => ({ available: true, devices: ['plain page device'] }),
  open: async ({ memory = 4 << 20 } = {}) => {
    if (!Number.isSafeInteger(memory) || memory < PAGE_SIZE) {
      throw new RangeError(`memory must be a number of bytes, at least ${PAGE_SIZE}, got ${memory}`);
    }
    return new PlainDevice(`plain:${opened++}`, memory);
  },
};
