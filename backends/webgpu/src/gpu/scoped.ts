import { MirrorError } from '@mirrorspace/core/driver';

/** Runs `make`, and waits to hear whether what it made really exists; `error` says why not. `make` must not throw. */
export async function scoped<T>(
  device: GPUDevice,
  what: string,
  make: () => T,
): Promise<{ readonly made: T; readonly error: MirrorError | undefined }> {
  device.pushErrorScope('validation');
  device.pushErrorScope('out-of-memory');
  const made = make();
  const [memory, validation] = await Promise.all([device.popErrorScope(), device.popErrorScope()]);
  const cause = memory ?? validation;
  if (cause === null) return { made, error: undefined };
  const code = memory === null ? 'INVALID_ARGUMENT' : 'OUT_OF_DEVICE_MEMORY';
  return { made, error: new MirrorError(code, `the adapter refused ${what}: ${cause.message}`, { cause }) };
}
