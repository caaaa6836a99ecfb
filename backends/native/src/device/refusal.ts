import { type ErrorCode, MirrorError } from '@mirrorspace/core/driver';

/** What the refusals of a driver mean, by the system's name of the error. */
export type Meanings = Readonly<Record<string, readonly [code: ErrorCode, why: string]>>;

/** The error of a request that the kernel refused: the cause has `errno`, `code` and `call`. */
export function refusalOf(device: string, cause: unknown, meanings: Meanings, address?: number): MirrorError {
  if (cause instanceof MirrorError) return cause;
  const { code = '' } = cause as { code?: string };
  const [meaning, why] = meanings[code] ?? ['IO', 'the driver refused it'];
  const where = address === undefined ? '' : ` at 0x${address.toString(16)}`;
  const text = `${device}${where}: ${cause instanceof Error ? cause.message : String(cause)}: ${why}`;
  return new MirrorError(meaning, text, { device, cause, ...(address !== undefined && { address }) });
}
