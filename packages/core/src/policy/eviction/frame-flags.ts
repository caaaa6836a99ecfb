/** Bits of a frame's flags that forbid to give it up, whatever they mean to whoever sets them. */
export const FRAME_BLOCKED = 0x7f;

/** Bit of a frame's flags: what it holds was, or may have been, written there, and has to be copied home if it is given up. */
export const FRAME_DIRTY = 0x80;
