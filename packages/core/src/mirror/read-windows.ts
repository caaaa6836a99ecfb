import type { MemoryObject } from '../space/index.js';

/** Bytes read for a fault that follows nothing. */
const FIRST_BYTES = 65_536;

/** Pages read for a fault that follows nothing. */
export function leastWindow(pageSize: number): number {
  return Math.max(1, FIRST_BYTES / pageSize);
}

/** How far each source is read ahead. */
interface Window {
  /** The page behind the last one that was wanted. */
  next: number;
  /** Pages. */
  pages: number;
}

/**
 * How much of a source is read for a fault: little where faults come from anywhere, and twice as much each time that one goes on where the last
 * read ended, as the kernel's readahead does.
 */
export class ReadWindows {
  private readonly windows = new WeakMap<MemoryObject, Window>();

  /** Pages to read for a fault on a page of a source, that one included, `most` at most. */
  of(object: MemoryObject, index: number, pageSize: number, most: number): number {
    const least = leastWindow(pageSize);
    const window = this.windows.get(object);
    if (window === undefined) {
      this.windows.set(object, { next: index, pages: least });
      return Math.min(least, most);
    }
    window.pages = index === window.next ? Math.min(2 * window.pages, most) : least;
    return Math.min(window.pages, most);
  }

  /** Takes note of where the last read ends. */
  read(object: MemoryObject, end: number): void {
    this.windows.get(object)!.next = end;
  }
}
