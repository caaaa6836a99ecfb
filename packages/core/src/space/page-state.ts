/** The page exists. */
export const PAGE_USED = 1;
/** The content is all zeros; host bytes need not be so. */
export const PAGE_ZERO = 2;
/** A device owns the content: it may write it, and the host bytes are stale. Exactly one device bit is set then (R3). */
export const PAGE_OWNED = 4;
/** Locked: a copy, a read from a file or a change of owner is under way. Whoever meets it waits for the unlock. */
export const PAGE_LOCKED = 8;
/** Belongs to the page cache of a memory object (file or shared memory), beside any mapping. */
export const PAGE_CACHED = 16;
/** Differs from the file it belongs to. */
export const PAGE_DIRTY = 32;
/** The CPU holds it for reading. */
export const PAGE_HELD_READ = 64;
/** The CPU holds it for writing. */
export const PAGE_HELD_WRITE = 128;
/** No mapping and no cache refers to it any more; it is freed when devices and holders let go. */
export const PAGE_DEAD = 256;
/** The owning device is known to have written it, whatever later dirty bits say. */
export const PAGE_WRITTEN = 512;
/** Its only current copy was on a lost device: reading fails until it is written whole or discarded (R10). */
export const PAGE_LOST = 1024;
/** Accessed by a device, as a harvest found or a driver said. Reclaim and aging clear it when they look at the page, before they ask. */
export const PAGE_ACCESSED = 2048;
/** Plain loads and stores of the process reach its frame, which it keeps as long as it lives. */
export const PAGE_LIVE = 4096;
/** Its frame is its source's own page: what is written there is written to the source. It keeps that frame until it is parted from the source. */
export const PAGE_IN_SOURCE = 8192;
/** Held by the CPU in any way. */
export const PAGE_HELD = PAGE_HELD_READ | PAGE_HELD_WRITE;
