import { open } from 'node:fs/promises';
import { type ByteSource, fileSource } from '@mirrorspace/core';
import type { DiskFile } from '../addon/disk-file.js';
import { addon } from '../addon/load.js';

/** How a file is opened. */
export interface NativeFileOptions {
  /** Whether regions may write to it. Its holes get room on the disk then, where its file system can do that. Default false. */
  readonly write?: boolean;
  /** What errors call it. Default: its path. */
  readonly name?: string;
}

/** An open file that regions map, by its pages in the system's page cache where the host memory is native. */
export interface NativeFile extends ByteSource, AsyncDisposable {
  /** Closes it. Close the spaces that map it before. Idempotent. */
  close(): Promise<void>;
}

const disks = new WeakMap<ByteSource, DiskFile>();

/** What can be mapped of a source, if it is a {@link nativeFile} that is open. */
export function diskOf(source: ByteSource): DiskFile | undefined {
  const disk = disks.get(source);
  return disk?.closed === false ? disk : undefined;
}

/**
 * Opens a file as a source of regions. On host memory of this package its pages are frames themselves, without a copy: what the CPU or a device writes to a
 * shared region is in the page cache at once, and on the disk after `space.sync`; private regions copy what they write. On other host memory it
 * is what `fileSource` of `@mirrorspace/core` makes.
 *
 * Nobody else may make the file shorter while a region maps it: an access to a page that it has no more ends the process with the status 70 and a
 * message. `space.truncate` may.
 * @throws TypeError; Error of the system for what cannot be opened, or is no regular file; `ENOSPC` where the disk has no room for its holes;
 * MirrorError `UNSUPPORTED` where the addon does not load
 */
export async function nativeFile(path: string, options: NativeFileOptions = {}): Promise<NativeFile> {
  if (typeof path !== 'string') throw new TypeError(`path must be a string, got ${typeof path}`);
  if (typeof options !== 'object' || options === null) throw new TypeError('nativeFile takes an object of options');
  const { write = false, name = path } = options;
  if (typeof write !== 'boolean') throw new TypeError(`write must be a boolean, got ${typeof write}`);
  const { DiskFile } = addon();
  const handle = await open(path, write ? 'r+' : 'r');
  let disk: DiskFile | undefined;
  try {
    // The very file that was opened, whatever the path names by now.
    disk = DiskFile.open(`/proc/self/fd/${handle.fd}`, write);
    if (write) fillHoles(disk);
    const source = await fileSource(handle, { name, write });
    const opened = disk;
    const close = async () => {
      opened.close();
      await handle.close();
    };
    const extend = async (size: number) => {
      const before = source.size;
      await source.truncate!(size);
      if (size <= before) return;
      try {
        fillHoles(opened);
      } catch (error) {
        await source.truncate!(before);
        throw error;
      }
    };
    const file: NativeFile = {
      name,
      get size() {
        return source.size;
      },
      read: (offset, into, signal) => source.read(offset, into, signal),
      ...(write && { write: source.write!.bind(source), truncate: extend, flush: source.flush!.bind(source) }),
      close,
      [Symbol.asyncDispose]: close,
    };
    disks.set(file, disk);
    return file;
  } catch (error) {
    disk?.close();
    await handle.close();
    throw error;
  }
}

/** A store into a hole that the disk has no room for could not fail but by ending the process. */
function fillHoles(disk: DiskFile): void {
  try {
    disk.allocate();
  } catch (error) {
    if ((error as { code?: string }).code !== 'EOPNOTSUPP') throw error;
  }
}
