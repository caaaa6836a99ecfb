/**
 * Where cold pages go: bytes at offsets, outside of host memory. What is in it need not outlive the process.
 * Calls at different offsets may overlap in time.
 */
export interface SwapStore {
  /** Bytes it can hold, at least one page. */
  readonly size: number;
  /** Fills `into` with the bytes from `offset`, which were written before; rejects (or throws) when it cannot. */
  read(offset: number, into: Uint8Array): Promise<void> | void;
  /** Keeps bytes. `from` is the caller's again when the promise settles; when it rejects (or throws) none of them count. */
  write(offset: number, from: Uint8Array): Promise<void> | void;
}

/** What {@link fileSwap} needs of a file: a `FileHandle` of `node:fs/promises` has it. */
export interface SwapFile {
  /** Reads into a buffer; resolves to how many bytes it read. */
  read(into: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  /** Writes from a buffer; resolves to how many bytes it wrote. */
  write(from: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesWritten: number }>;
}

/** What {@link accessHandleSwap} needs: a `FileSystemSyncAccessHandle` of the Origin Private File System has it. */
export interface SwapAccessHandle {
  /** Reads into a buffer; returns how many bytes it read. */
  read(into: Uint8Array, options: { readonly at: number }): number;
  /** Writes from a buffer; returns how many bytes it wrote. */
  write(from: Uint8Array, options: { readonly at: number }): number;
}

const CHUNK_BYTES = 1 << 20;

/** A swap store in memory of the process, for tests: it saves nothing. @throws TypeError, RangeError for a bad size */
export function memorySwap(bytes: number): SwapStore {
  const size = checkSize(bytes);
  const chunks: (Uint8Array | undefined)[] = [];
  const each = (offset: number, length: number, use: (chunk: Uint8Array, at: number, part: number) => void) => {
    for (let done = 0; done < length;) {
      const index = Math.floor((offset + done) / CHUNK_BYTES);
      const at = (offset + done) % CHUNK_BYTES;
      const part = Math.min(CHUNK_BYTES - at, length - done);
      use((chunks[index] ??= new Uint8Array(CHUNK_BYTES)).subarray(at, at + part), done, part);
      done += part;
    }
  };
  return {
    size,
    read: (offset, into) => each(offset, into.length, (chunk, at) => into.set(chunk, at)),
    write: (offset, from) => each(offset, from.length, (chunk, at, part) => chunk.set(from.subarray(at, at + part))),
  };
}

/**
 * A swap store in a file, opened for reading and writing: `fileSwap(await open(path, 'w+'), 1 << 30)` with `open` of
 * `node:fs/promises`. The file is the caller's: close and delete it after the spaces.
 * @throws TypeError, RangeError for a bad handle or size
 */
export function fileSwap(file: SwapFile, bytes: number): SwapStore {
  checkHandle(file, 'fileSwap takes an open file with read and write');
  return {
    size: checkSize(bytes),
    async read(offset, into) {
      for (let done = 0; done < into.length;) {
        const { bytesRead } = await file.read(into, done, into.length - done, offset + done);
        done += checkMoved(bytesRead, 'read', offset + done);
      }
    },
    async write(offset, from) {
      for (let done = 0; done < from.length;) {
        const { bytesWritten } = await file.write(from, done, from.length - done, offset + done);
        done += checkMoved(bytesWritten, 'write', offset + done);
      }
    },
  };
}

/**
 * A swap store in a file of the browser's Origin Private File System, in a worker:
 * `accessHandleSwap(await fileHandle.createSyncAccessHandle(), 1 << 30)`. The handle is the caller's: close it after the spaces.
 * @throws TypeError, RangeError for a bad handle or size
 */
export function accessHandleSwap(handle: SwapAccessHandle, bytes: number): SwapStore {
  checkHandle(handle, 'accessHandleSwap takes a FileSystemSyncAccessHandle');
  return {
    size: checkSize(bytes),
    read(offset, into) {
      for (let done = 0; done < into.length;)
        done += checkMoved(handle.read(into.subarray(done), { at: offset + done }), 'read', offset + done);
    },
    write(offset, from) {
      for (let done = 0; done < from.length;)
        done += checkMoved(handle.write(from.subarray(done), { at: offset + done }), 'write', offset + done);
    },
  };
}

/** @throws TypeError for what is no swap store; RangeError for one without room for a page */
export function checkSwapStore(store: SwapStore, pageSize: number): SwapStore {
  if (
    typeof store !== 'object' ||
    store === null ||
    typeof store.read !== 'function' ||
    typeof store.write !== 'function'
  )
    throw new TypeError('a swap store needs { size, read, write }');
  if (checkSize(store.size) < pageSize)
    throw new RangeError(`a swap store of ${store.size} bytes has no room for a page of ${pageSize} bytes`);
  return store;
}

function checkHandle(handle: { read: unknown; write: unknown }, message: string): void {
  if (typeof handle !== 'object' || handle === null) throw new TypeError(message);
  if (typeof handle.read !== 'function' || typeof handle.write !== 'function') throw new TypeError(message);
}

function checkSize(bytes: number): number {
  if (typeof bytes !== 'number') throw new TypeError(`the size of a swap store must be a number, got ${typeof bytes}`);
  if (!Number.isSafeInteger(bytes) || bytes < 1)
    throw new RangeError(`the size of a swap store must be a number of bytes ≥ 1, got ${bytes}`);
  return bytes;
}

function checkMoved(bytes: number, what: string, offset: number): number {
  if (bytes > 0) return bytes;
  throw new RangeError(`a swap file would ${what} nothing at byte ${offset}; it is truncated or full`);
}
