/** Opens files on disks. */
export interface DiskFileClass {
  /**
   * Opens a regular file, to map it.
   *
   * @param writable - Whether what is written where it is mapped reaches the file; if not, it stays in the mapping. `false` when left out.
   * @throws Error `{ errno, code, call }`, `ENODEV` for what is no regular file.
   */
  open(path: string, writable?: boolean): DiskFile;
  /** The file that another thread shared. @throws Error `CLOSED` when it is closed everywhere. */
  adopt(token: number): DiskFile;
}

/**
 * A file on a disk, for mappings of it. Anybody may make it shorter: an access to a mapped page that the file does not have, or that the disk cannot give or
 * take, ends the process with the status 70 and a message. So does one behind the page with its end.
 */
export interface DiskFile {
  /** Whether it was closed here. */
  readonly closed: boolean;
  /** Bytes it has now; 0 when closed. */
  readonly length: number;
  readonly writable: boolean;
  /** Has the disk keep room for all of it, holes too, so that no later write fails. @throws Error `ENOSPC`, `EOPNOTSUPP` where the file system cannot */
  allocate(): void;
  /** A number by which another thread of this process can adopt it. */
  share(): number;
  /** Closes it; what is mapped of it stays until it is unmapped. */
  close(): void;
}
