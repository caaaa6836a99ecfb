/** Devices of the kernel's Direct Rendering Manager: memory in dumb buffers, fences that are points of timeline syncobjs. */
export { DRM } from './drm/abi.js';
export { drm, type DrmBackend, type DrmOptions } from './drm/backend.js';
export { DrmDevice } from './drm/device.js';
