/**
 * Something with bytes at offsets that a region can map: a file, a Blob, an OPFS handle, a network object.
 * Its identity is its object: mapping the same object twice shares one page cache.
 */
export interface ByteSource {
  /**
   * Length in bytes; a region may reach to the end of its last page, where reads give zeros. It may grow at any time, and shrink by
   * `space.truncate` only: pages behind the end are not accessible.
   */
  readonly size: number;
  /** What errors call it. Default `a source`. */
  readonly name?: string;
  /** Fills `into` with the bytes from `offset`; rejects (or throws) when it cannot fill it. Never asked beyond `size`. */
  read(offset: number, into: Uint8Array, signal?: AbortSignal): Promise<void> | void;
  /** Writes bytes back. Without it, shared writable regions over this source are refused. Never asked beyond `size`. */
  write?(offset: number, from: Uint8Array): Promise<void> | void;
  /** Makes it `size` bytes long, which is less than before: called by `space.truncate`. Without it, shorten the source before that. */
  truncate?(size: number): Promise<void> | void;
  /** Resolves when what was written before outlives a crash: called by `space.sync` once all is written. Without it, nothing is waited for. */
  flush?(): Promise<void> | void;
}

/** What errors call a source. */
export function nameOf(source: ByteSource | undefined): string {
  return source?.name ?? 'a source';
}

/** What an error of a source says. */
export function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** How long to wait for one read or write of a source, and what ends the wait. */
export interface SourceLimits {
  /** Milliseconds; > 0. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** A source over bytes in memory; `write` changes them. @throws TypeError for anything else, or bytes whose buffer is detached */
export function bytesSource(bytes: Uint8Array): ByteSource {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('bytesSource takes a Uint8Array');
  // Throws where the buffer is detached.
  new Uint8Array(bytes.buffer, 0, 0);
  return {
    size: bytes.byteLength,
    read: (offset, into) => into.set(bytes.subarray(offset, offset + into.byteLength)),
    write: (offset, from) => bytes.set(from, offset),
  };
}
