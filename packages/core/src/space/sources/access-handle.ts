import type { ByteSource } from '../source.js';
import { checkMethods, checkSourceOptions, cutShort, type FileSourceOptions } from './options.js';

/** What {@link accessHandleSource} needs: a `FileSystemSyncAccessHandle` of the Origin Private File System has it. */
export interface SourceAccessHandle {
  /** Its length in bytes. */
  getSize(): number;
  /** Reads into a buffer; returns how many bytes it read. */
  read(into: Uint8Array, options: { readonly at: number }): number;
  /** Writes from a buffer; returns how many bytes it wrote. */
  write(from: Uint8Array, options: { readonly at: number }): number;
  /** Changes its length. */
  truncate(length: number): void;
  /** Returns when what was written is kept. */
  flush(): void;
}

/**
 * A source over a file of the browser's Origin Private File System, in a worker:
 * `accessHandleSource(await fileHandle.createSyncAccessHandle(), { write: true })`. Nothing of it stays in memory but the page cache. The handle is the
 * caller's: close it after the spaces. While it is open nobody else can change the file.
 *
 * On the main thread there is no such handle: read with {@link blobSource} of `await fileHandle.getFile()`. To write there, each change
 * would copy the whole file (`createWritable`); keep the device and the file in a worker instead.
 * @throws TypeError for what is no handle; what `getSize` throws
 */
export function accessHandleSource(handle: SourceAccessHandle, options: FileSourceOptions = {}): ByteSource {
  checkMethods(handle, ['getSize', 'read'], 'accessHandleSource takes a FileSystemSyncAccessHandle');
  checkSourceOptions(options);
  const { name = 'the file' } = options;
  let length = handle.getSize();
  const read: ByteSource['read'] = (offset, into) => {
    for (let done = 0; done < into.length;) {
      const bytes = handle.read(into.subarray(done), { at: offset + done });
      if (!(bytes > 0)) throw cutShort(name, 'read', offset + done);
      done += bytes;
    }
  };
  if (options.write !== true) return { name, size: length, read };
  checkMethods(handle, ['write', 'truncate', 'flush'], 'a handle to write to needs write, truncate and flush');
  return {
    name,
    get size() {
      return length;
    },
    read,
    write(offset, from) {
      for (let done = 0; done < from.length;) {
        const bytes = handle.write(from.subarray(done), { at: offset + done });
        if (!(bytes > 0)) throw cutShort(name, 'write', offset + done);
        done += bytes;
      }
    },
    truncate(bytes) {
      handle.truncate(bytes);
      length = bytes;
    },
    flush: () => handle.flush(),
  };
}
