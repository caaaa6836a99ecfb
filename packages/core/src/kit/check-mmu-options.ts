import type { DeviceInfo, DeviceLimits, MmuOptions } from '../driver/device.js';
import { MirrorError } from '../driver/errors.js';
import { checkInteger } from './check-values.js';

const LEAST_ADDRESS_BITS = 32;

/**
 * Checks what `createMmu` was given, and fills in the default: faults in pages of the smallest size.
 * @throws TypeError, RangeError for what is malformed; MirrorError `UNSUPPORTED` for what the device does not offer
 */
export function checkMmuOptions(
  options: MmuOptions,
  device: { readonly info: DeviceInfo; readonly limits: DeviceLimits },
): Required<MmuOptions> {
  if (typeof options !== 'object' || options === null) throw new TypeError('createMmu needs { addressBits }');
  const { info, limits } = device;
  const { addressBits, faultPageSize = limits.pageSizes[0]! } = options;
  checkInteger('addressBits', addressBits, 1, Number.MAX_SAFE_INTEGER);
  checkInteger('faultPageSize', faultPageSize, 1, Number.MAX_SAFE_INTEGER);
  if (addressBits < LEAST_ADDRESS_BITS || addressBits > limits.addressBits) {
    throw unsupported(
      info.name,
      `addresses of ${addressBits} bits; it offers ${LEAST_ADDRESS_BITS} to ${limits.addressBits}`,
    );
  }
  if (!limits.pageSizes.includes(faultPageSize)) {
    throw unsupported(info.name, `faults in pages of ${faultPageSize} bytes; it offers ${limits.pageSizes.join(', ')}`);
  }
  return { addressBits, faultPageSize };
}

function unsupported(device: string, what: string): MirrorError {
  return new MirrorError('UNSUPPORTED', `${device} does not offer ${what}.`, { device });
}
