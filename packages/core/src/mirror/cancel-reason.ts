import {
  CANCEL_DENIED,
  CANCEL_IO,
  CANCEL_LOST,
  CANCEL_NOT_MAPPED,
  CANCEL_OUT_OF_HOST_MEMORY,
  CANCEL_TIMEOUT,
  MirrorError,
} from '../driver/index.js';

/** The cancel reason that stands for an error of the work that a fault waited for. */
export function cancelReason(error: unknown): number {
  switch (error instanceof MirrorError ? error.code : undefined) {
    case 'ADDRESS_NOT_MAPPED':
      return CANCEL_NOT_MAPPED;
    case 'ACCESS_DENIED':
      return CANCEL_DENIED;
    case 'OUT_OF_HOST_MEMORY':
      return CANCEL_OUT_OF_HOST_MEMORY;
    case 'DEVICE_LOST':
      return CANCEL_LOST;
    case 'DEVICE_TIMEOUT':
      return CANCEL_TIMEOUT;
    default:
      return CANCEL_IO;
  }
}
