/** The requests of DRM that any driver of the kernel answers: `drm/drm.h`, `drm/drm_mode.h`. */
import { io, iow, iowr } from '../abi/ioctl.js';
import { struct } from '../abi/struct.js';
import { bits64, descriptor, i32, pointer, u32, u64 } from '../abi/types.js';

const text = (count: string) => pointer({ unit: 1, count });
const version = struct({
  version_major: i32,
  version_minor: i32,
  version_patchlevel: i32,
  name_len: u64,
  name: text('name_len'),
  date_len: u64,
  date: text('date_len'),
  desc_len: u64,
  desc: text('desc_len'),
});
const handle = struct({ handle: u32, pad: u32 });
const syncobj = { handle: u32, flags: u32 };
const points = {
  handles: pointer({ unit: 4, count: 'count_handles' }),
  points: pointer({ unit: 8, count: 'count_handles' }),
};
const ofPoints = struct({ ...points, count_handles: u32, flags: u32 });
const wait = struct({
  ...points,
  timeout_nsec: bits64,
  count_handles: u32,
  flags: u32,
  first_signaled: u32,
  pad: u32,
  deadline_nsec: u64,
});

/** Requests by what they do. */
export const DRM = {
  version: iowr('DRM_IOCTL_VERSION', 'd', 0x00, version),
  closeBuffer: iow('DRM_IOCTL_GEM_CLOSE', 'd', 0x09, handle),
  capability: iowr('DRM_IOCTL_GET_CAP', 'd', 0x0c, struct({ capability: u64, value: u64 })),
  dropMaster: io('DRM_IOCTL_DROP_MASTER', 'd', 0x1f),
  exportBuffer: iowr(
    'DRM_IOCTL_PRIME_HANDLE_TO_FD',
    'd',
    0x2d,
    struct({ handle: u32, flags: u32, fd: descriptor('returned') }),
  ),
  importBuffer: iowr(
    'DRM_IOCTL_PRIME_FD_TO_HANDLE',
    'd',
    0x2e,
    struct({ handle: u32, flags: u32, fd: descriptor('given') }),
  ),
  createDumb: iowr(
    'DRM_IOCTL_MODE_CREATE_DUMB',
    'd',
    0xb2,
    struct({ height: u32, width: u32, bpp: u32, flags: u32, handle: u32, pitch: u32, size: u64 }),
  ),
  mapDumb: iowr('DRM_IOCTL_MODE_MAP_DUMB', 'd', 0xb3, struct({ handle: u32, pad: u32, offset: u64 })),
  destroyDumb: iowr('DRM_IOCTL_MODE_DESTROY_DUMB', 'd', 0xb4, struct({ handle: u32 })),
  createTimeline: iowr('DRM_IOCTL_SYNCOBJ_CREATE', 'd', 0xbf, struct(syncobj)),
  destroyTimeline: iowr('DRM_IOCTL_SYNCOBJ_DESTROY', 'd', 0xc0, handle),
  exportTimeline: iowr(
    'DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD',
    'd',
    0xc1,
    struct({ ...syncobj, fd: descriptor('returned'), pad: u32 }),
  ),
  importTimeline: iowr(
    'DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE',
    'd',
    0xc2,
    struct({ ...syncobj, fd: descriptor('given'), pad: u32 }),
  ),
  waitForPoint: iowr('DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT', 'd', 0xca, wait),
  query: iowr('DRM_IOCTL_SYNCOBJ_QUERY', 'd', 0xcb, ofPoints),
  signal: iowr('DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL', 'd', 0xcd, ofPoints),
} as const;

/** `DRM_CAP_*` that a device has to have, and what for. */
export const CAPABILITIES = [
  { capability: 0x14, bits: 1, what: 'timelines (DRM_CAP_SYNCOBJ_TIMELINE)' },
  { capability: 0x05, bits: 3, what: 'export and import of buffers (DRM_CAP_PRIME)' },
  { capability: 0x01, bits: 1, what: 'dumb buffers (DRM_CAP_DUMB_BUFFER)' },
] as const;

/** `DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT`: also for a point that nobody has submitted yet. */
export const WAIT_FOR_SUBMIT = 2;
