/** The `GPUBufferUsage` flags; the global that holds them is missing where no WebGPU was set up. */
export const USAGE = {
  MAP_READ: 0x1,
  MAP_WRITE: 0x2,
  COPY_SRC: 0x4,
  COPY_DST: 0x8,
  UNIFORM: 0x40,
  STORAGE: 0x80,
  INDIRECT: 0x100,
} as const;

/** The `GPUMapMode.READ` flag. */
export const MAP_MODE_READ = 0x1;

/** The `GPUMapMode.WRITE` flag. */
export const MAP_MODE_WRITE = 0x2;
