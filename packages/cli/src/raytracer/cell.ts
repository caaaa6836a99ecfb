/**
 * The scene in memory: cells of 64 bytes, aligned to 64, so that none straddles a page. All numbers are little-endian.
 *
 * A reference (two u32: low word, high word) is a virtual address, up to 2^47, plus a tag in the six bits that alignment leaves
 * free. Tag 0: the address of a node. Tag n: the address of the first of n triangles that lie one behind the other.
 *
 * - node: boxes of child 0 and child 1 (low x, y, z, high x, y, z: f32 each) and a reference to either child
 * - triangle: three corners (x, y, z: f32), three octahedral normals (u, v: f32), colour (u32, `0xbbggrr`)
 * - header, {@link HEADER_CELLS} cells: everything a renderer must know, so that it needs this one address; numbers of 32 bits only,
 *   because GPUs have no others
 */
export const CELL = 64;
export const TAG_MASK = CELL - 1;

/** Byte offset in a node of its children's boxes, six f32 each. */
export const NODE_BOXES = 0;
/** Byte offset in a node of its children's references, two u32 each. */
export const NODE_CHILDREN = 48;

/** Byte offset in a triangle of its corners, nine f32. */
export const TRIANGLE_CORNERS = 0;
/** Byte offset in a triangle of its normals, six f32. */
export const TRIANGLE_NORMALS = 36;
/** Byte offset in a triangle of its colour, u32. */
export const TRIANGLE_COLOUR = 60;

export const HEADER_CELLS = 2;
/** Byte offset in the header of the reference to the root. */
export const HEADER_ROOT = 0;
/** Byte offset in the header of the reference to the first pixel; its tag is 0. */
export const HEADER_PIXELS = 8;
/** Byte offset in the header of the picture's width and height in pixels, u32 each. */
export const HEADER_SIZE = 16;
/** Byte offset in the header of the bytes from one row of pixels to the next, u32. */
export const HEADER_PITCH = 24;
/** Byte offset in the header of twelve f32: eye, right, up and forward of the camera; right and up are half the picture. */
export const HEADER_CAMERA = 64;
