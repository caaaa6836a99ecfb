import { throwIfAborted } from '../abort.js';
import type { ByteSource } from '../source.js';
import { checkMethods, checkSourceOptions, type FileSourceOptions, REMEDY } from './options.js';

/** What {@link blobSource} needs: a `Blob` or a `File` has it. */
export interface BlobLike {
  /** Bytes it has. */
  readonly size: number;
  /** The part from `start` to `end`. */
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/**
 * A source over a `Blob` or a `File`, for reading: what a file input or a drop gives, `await fileHandle.getFile()` of the File System API, or
 * `await openAsBlob(path)` of `node:fs`. Nothing of it stays in memory but the page cache. A file that is changed afterwards can be
 * read no more: that is an error, with what the platform says (`NotReadableError`) as its cause. Its name is the `File`'s.
 * @throws TypeError, RangeError for what is no Blob
 */
export function blobSource(blob: BlobLike, options: Pick<FileSourceOptions, 'name'> = {}): ByteSource {
  checkMethods(blob, ['slice'], 'blobSource takes a Blob or a File');
  checkSourceOptions(options);
  const { size } = blob;
  if (typeof size !== 'number') throw new TypeError('blobSource takes a Blob or a File');
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`a blob has a size in bytes, got ${size}`);
  const own = (blob as { readonly name?: unknown }).name;
  const name = options.name ?? (typeof own === 'string' ? own : 'the blob');
  return {
    name,
    size,
    async read(offset, into, signal) {
      throwIfAborted(signal);
      let part: ArrayBuffer;
      try {
        part = await blob.slice(offset, offset + into.length).arrayBuffer();
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`${name}: cannot be read at byte ${offset}, it may have been changed: ${why}. ${REMEDY}`, {
          cause,
        });
      }
      if (part.byteLength === into.length) into.set(new Uint8Array(part));
      else throw new RangeError(`${name}: gave ${part.byteLength} of ${into.length} bytes at ${offset}. ${REMEDY}`);
    },
  };
}
