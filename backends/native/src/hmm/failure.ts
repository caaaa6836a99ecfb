import { MirrorError } from '@mirrorspace/core/driver';
import { type Meanings, refusalOf as refusal } from '../device/refusal.js';

/** What the driver's refusals mean: see `hmm_range_fault` and `lib/test_hmm.c`. */
const MEANINGS: Meanings = {
  EFAULT: ['ADDRESS_NOT_MAPPED', 'the process has nothing there that may be read'],
  EPERM: ['ACCESS_DENIED', 'the process may not write there'],
  EINVAL: ['INVALID_ARGUMENT', 'it is no range of pages that the process may read'],
  ENOMEM: ['OUT_OF_HOST_MEMORY', 'the kernel has no memory for it'],
  EBUSY: ['BUSY', 'the pages kept changing, or are shared; try again'],
  ENOTTY: ['UNSUPPORTED', 'the file is no test device for heterogeneous memory'],
  CLOSED: ['CLOSED', 'the page table was closed'],
};

/** What they mean to a store, where the page may be read. */
const STORING: Meanings = { ...MEANINGS, EFAULT: ['ACCESS_DENIED', 'the process may not write there'] };

/** The error of a request that the kernel refused: the cause has `errno`, `code` and `call`. */
export function refusalOf(device: string, cause: unknown, address?: number): MirrorError {
  return refusal(device, cause, MEANINGS, address);
}

/** The error of a store that the system refused; `readable`: the page may be read. */
export function storeRefused(device: string, cause: unknown, address: number, readable: boolean): MirrorError {
  return refusal(device, cause, readable ? STORING : MEANINGS, address);
}

/** The error for memory that was unmapped while a device was to use it. */
export function unmapped(device: string, address: number, cause?: unknown): MirrorError {
  const text = `${device} at 0x${address.toString(16)}: the memory was unmapped while the request was made; keep it mapped until the fence has settled`;
  return new MirrorError('ADDRESS_NOT_MAPPED', text, { device, address, cause });
}

/** The error for an address that no memory of ours is at. */
export function notOurs(device: string, address: number): MirrorError {
  const text = `${device}: no memory of this process that devices may reach is at 0x${address.toString(16)}; map it with host memory of processMemory()`;
  return new MirrorError('ADDRESS_NOT_MAPPED', text, { device, address });
}
