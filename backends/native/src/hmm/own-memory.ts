import { open } from 'node:fs/promises';
import type { Mapping } from '../addon/mapping.js';
import { HMM_PAGE } from './abi.js';

/**
 * Copies bytes within this process by the kernel, off the event loop: only those bytes, pages come home for it as for a store of the CPU's, and what
 * may not be stored to is refused with `EFAULT`, where a store would end the process.
 * @throws Error `{ errno, code, syscall }`
 */
export async function copyWithin(to: Mapping, offset: number, from: Mapping, bytes: number): Promise<void> {
  const file = await open('/proc/self/mem', 'r');
  try {
    const target = new Uint8Array(to.arrayBuffer(offset - (offset % HMM_PAGE), HMM_PAGE));
    const at = offset % HMM_PAGE;
    for (let done = 0; done < bytes;) {
      const { bytesRead } = await file.read(target, at + done, bytes - done, from.address + done);
      if (bytesRead === 0) throw Object.assign(new Error('read: nothing is there'), { code: 'EIO' });
      done += bytesRead;
    }
  } finally {
    await file.close();
  }
}
