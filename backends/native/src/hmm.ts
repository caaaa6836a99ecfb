/** The kernel's own test device for heterogeneous memory: devices that mirror the page table of this process. */
export { HMM, HMM_PAGE, type HmmRequest, snapshotFlags } from './hmm/abi.js';
export { hmm, type HmmBackend, type HmmOptions } from './hmm/backend.js';
export { HmmDevice } from './hmm/device.js';
