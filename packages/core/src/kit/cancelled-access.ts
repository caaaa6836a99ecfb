import { hex } from '../address/page.js';
import { CANCEL_CODES } from '../driver/access.js';
import { type ErrorCode, MirrorError } from '../driver/errors.js';

const ADVICE: Readonly<Partial<Record<ErrorCode, string>>> = {
  ADDRESS_NOT_MAPPED: 'nothing is mapped there; map a region first, or look for a wrong pointer',
  ACCESS_DENIED: 'the region there forbids it; change its rights with space.protect',
  OUT_OF_DEVICE_MEMORY:
    'one work unit needs more pages at once than the device has frames; open the device with more memory, unpin pages, or make units smaller',
  OUT_OF_HOST_MEMORY: 'the host has no room for the page; unmap regions or raise the limit',
  IO: 'reading the page from its source failed; reading the address with space.read says why',
  DEVICE_TIMEOUT:
    'the page was held or in transit for too long; release what the CPU holds before waiting for the device',
  DEVICE_LOST: 'the page existed only on a device that was lost; write it whole or discard it',
  CLOSED: 'its space or its mirror was closed',
};

/** The error that an access at `address` ends in when its fault is cancelled for a reason, one of `CANCEL_*`. */
export function cancelledAccess(device: string, address: number, reason: number): MirrorError {
  const code = CANCEL_CODES[reason] ?? 'IO';
  return new MirrorError(code, `${device} may not access ${hex(address)}: ${ADVICE[code] ?? code}.`, {
    device,
    address,
  });
}
