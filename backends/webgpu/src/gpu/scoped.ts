import { MirrorError } from '@mirrorspace/core/driver';

/**
 * Runs `make`, and waits to hear whether what it made really exists; `error` says why not: `OUT_OF_DEVICE_MEMORY`, `INVALID_ARGUMENT`, or
 * `DEVICE_LOST` where the device went meanwhile. `make` must not throw.
 */
export async function scoped<T>(
  device: GPUDevice,
  what: string,
  make: () => T,
): Promise<{ readonly made: T; readonly error: MirrorError | undefined }> {
  device.pushErrorScope('validation');
  device.pushErrorScope('out-of-memory');
  const made = make();
  let memory: GPUError | null;
  let validation: GPUError | null;
  try {
    [memory, validation] = await Promise.all([device.popErrorScope(), device.popErrorScope()]);
  } catch (cause) {
    return {
      made,
      error: new MirrorError('DEVICE_LOST', `the adapter was lost when it was asked for ${what}`, { cause }),
    };
  }
  const cause = memory ?? validation;
  if (cause === null) return { made, error: undefined };
  const code = memory === null ? 'INVALID_ARGUMENT' : 'OUT_OF_DEVICE_MEMORY';
  return { made, error: new MirrorError(code, `the adapter refused ${what}: ${cause.message}`, { cause }) };
}
