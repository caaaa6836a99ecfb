import { throwIfAborted } from '../abort.js';
import type { ByteSource } from '../source.js';
import { checkMethods, checkSourceOptions, cutShort, type FileSourceOptions, REMEDY } from './options.js';

/** What {@link fileSource} needs of a file: a `FileHandle` of `node:fs/promises` has it. */
export interface SourceFile {
  /** Its length, and when it was last changed. */
  stat(): Promise<{ readonly size: number; readonly mtimeMs: number }>;
  /** Reads into a buffer; resolves to how many bytes it read. */
  read(into: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  /** Writes from a buffer; resolves to how many bytes it wrote. */
  write(from: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesWritten: number }>;
  /** Changes its length. */
  truncate(length: number): Promise<void>;
  /** Resolves when what was written outlives a crash. */
  sync(): Promise<void>;
}

/**
 * A source over an open file: `await fileSource(await open(path, 'r'))`, or with `'r+'` and `{ write: true }`, with `open` of
 * `node:fs/promises`. Nothing of it stays in memory but the page cache. The file is the caller's: close it after the spaces.
 *
 * Its length is that when this is called, and `space.truncate` changes it. A file for reading that others change meanwhile is an error, as
 * far as its length and time of change tell; of one for writing, whose time of change is the source's own doing, only that it has become
 * shorter.
 * @throws TypeError for what is no open file; what `stat` throws
 */
export async function fileSource(file: SourceFile, options: FileSourceOptions = {}): Promise<ByteSource> {
  checkMethods(file, ['stat', 'read'], 'fileSource takes an open file with stat and read');
  checkSourceOptions(options);
  const { name = 'the file' } = options;
  const { size, mtimeMs } = await file.stat();
  const read: ByteSource['read'] = async (offset, into, signal) => {
    for (let done = 0; done < into.length;) {
      throwIfAborted(signal);
      const { bytesRead } = await file.read(into, done, into.length - done, offset + done);
      if (!(bytesRead > 0)) throw cutShort(name, 'read', offset + done);
      done += bytesRead;
    }
  };
  if (options.write !== true) {
    return {
      name,
      size,
      async read(offset, into, signal) {
        await read(offset, into, signal);
        // Afterwards, so that no change during the read is missed.
        const now = await file.stat();
        if (now.mtimeMs === mtimeMs && now.size === size) return;
        throw new Error(`${name}: was changed while it was mapped, as seen when reading at byte ${offset}. ${REMEDY}`);
      },
    };
  }
  checkMethods(file, ['write', 'truncate', 'sync'], 'a file to write to needs write, truncate and sync');
  let length = size;
  return {
    name,
    get size() {
      return length;
    },
    read,
    async write(offset, from) {
      for (let done = 0; done < from.length;) {
        const { bytesWritten } = await file.write(from, done, from.length - done, offset + done);
        if (!(bytesWritten > 0)) throw cutShort(name, 'write', offset + done);
        done += bytesWritten;
      }
    },
    async truncate(bytes) {
      await file.truncate(bytes);
      length = bytes;
    },
    flush: () => file.sync(),
  };
}
