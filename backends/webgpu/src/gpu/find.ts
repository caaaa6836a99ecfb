/** WebGPU as a browser offers it. */
export function findGpu(): Promise<GPU | undefined> {
  const { gpu } = (globalThis.navigator ?? {}) as { gpu?: GPU };
  return Promise.resolve(gpu);
}
