// What the DRM driver asks of the kernel, defined by us, since linux-libc-dev has no <drm/drm.h>; static_assert'ed against headers that are there.
#pragma once
#include <sys/ioctl.h>

#include <cstddef>
#include <cstdint>

namespace mirrorspace::abi {

struct drm_version {
  int32_t version_major, version_minor, version_patchlevel;
  size_t name_len;
  char* name;
  size_t date_len;
  char* date;
  size_t desc_len;
  char* desc;
};
struct drm_gem_close {
  uint32_t handle, pad;
};
struct drm_get_cap {
  uint64_t capability, value;
};
struct drm_prime_handle {
  uint32_t handle, flags;
  int32_t fd;
};
struct drm_mode_create_dumb {
  uint32_t height, width, bpp, flags, handle, pitch;
  uint64_t size;
};
struct drm_mode_map_dumb {
  uint32_t handle, pad;
  uint64_t offset;
};
struct drm_mode_destroy_dumb {
  uint32_t handle;
};
struct drm_syncobj_create {
  uint32_t handle, flags;
};
struct drm_syncobj_destroy {
  uint32_t handle, pad;
};
struct drm_syncobj_handle {
  uint32_t handle, flags;
  int32_t fd;
  uint32_t pad;
};
struct drm_syncobj_timeline_wait {
  uint64_t handles, points;
  int64_t timeout_nsec;
  uint32_t count_handles, flags, first_signaled, pad;
  /// Since Linux 6.6; older kernels do not look at it.
  uint64_t deadline_nsec;
};
struct drm_syncobj_timeline_array {
  uint64_t handles, points;
  uint32_t count_handles, flags;
};

namespace drm {
constexpr uint32_t VERSION = _IOWR('d', 0x00, struct drm_version);
constexpr uint32_t GEM_CLOSE = _IOW('d', 0x09, struct drm_gem_close);
constexpr uint32_t GET_CAP = _IOWR('d', 0x0c, struct drm_get_cap);
constexpr uint32_t DROP_MASTER = _IO('d', 0x1f);
constexpr uint32_t PRIME_HANDLE_TO_FD = _IOWR('d', 0x2d, struct drm_prime_handle);
constexpr uint32_t PRIME_FD_TO_HANDLE = _IOWR('d', 0x2e, struct drm_prime_handle);
constexpr uint32_t MODE_CREATE_DUMB = _IOWR('d', 0xb2, struct drm_mode_create_dumb);
constexpr uint32_t MODE_MAP_DUMB = _IOWR('d', 0xb3, struct drm_mode_map_dumb);
constexpr uint32_t MODE_DESTROY_DUMB = _IOWR('d', 0xb4, struct drm_mode_destroy_dumb);
constexpr uint32_t SYNCOBJ_CREATE = _IOWR('d', 0xbf, struct drm_syncobj_create);
constexpr uint32_t SYNCOBJ_DESTROY = _IOWR('d', 0xc0, struct drm_syncobj_destroy);
constexpr uint32_t SYNCOBJ_HANDLE_TO_FD = _IOWR('d', 0xc1, struct drm_syncobj_handle);
constexpr uint32_t SYNCOBJ_FD_TO_HANDLE = _IOWR('d', 0xc2, struct drm_syncobj_handle);
constexpr uint32_t SYNCOBJ_TIMELINE_WAIT = _IOWR('d', 0xca, struct drm_syncobj_timeline_wait);
constexpr uint32_t SYNCOBJ_QUERY = _IOWR('d', 0xcb, struct drm_syncobj_timeline_array);
constexpr uint32_t SYNCOBJ_TIMELINE_SIGNAL = _IOWR('d', 0xcd, struct drm_syncobj_timeline_array);
}  // namespace drm

// As Linux 6.12 has them on 64 bits: what the driver of the kernel's lab answers to.
static_assert(drm::VERSION == 0xc0406400 && drm::GET_CAP == 0xc010640c && drm::MODE_CREATE_DUMB == 0xc02064b2);
static_assert(drm::PRIME_HANDLE_TO_FD == 0xc00c642d && drm::SYNCOBJ_CREATE == 0xc00864bf);
static_assert(drm::SYNCOBJ_TIMELINE_WAIT == 0xc03064ca && drm::SYNCOBJ_TIMELINE_SIGNAL == 0xc01864cd);

}  // namespace mirrorspace::abi

#if __has_include(<drm/drm.h>)
#include <drm/drm.h>
#define MIRRORSPACE_SAME(name, type)                                       \
  static_assert(mirrorspace::abi::drm::name == DRM_IOCTL_##name);          \
  static_assert(sizeof(mirrorspace::abi::type) == sizeof(struct ::type))
MIRRORSPACE_SAME(VERSION, drm_version);
MIRRORSPACE_SAME(GEM_CLOSE, drm_gem_close);
MIRRORSPACE_SAME(GET_CAP, drm_get_cap);
MIRRORSPACE_SAME(PRIME_HANDLE_TO_FD, drm_prime_handle);
MIRRORSPACE_SAME(PRIME_FD_TO_HANDLE, drm_prime_handle);
MIRRORSPACE_SAME(MODE_CREATE_DUMB, drm_mode_create_dumb);
MIRRORSPACE_SAME(MODE_MAP_DUMB, drm_mode_map_dumb);
MIRRORSPACE_SAME(MODE_DESTROY_DUMB, drm_mode_destroy_dumb);
MIRRORSPACE_SAME(SYNCOBJ_CREATE, drm_syncobj_create);
MIRRORSPACE_SAME(SYNCOBJ_DESTROY, drm_syncobj_destroy);
MIRRORSPACE_SAME(SYNCOBJ_HANDLE_TO_FD, drm_syncobj_handle);
MIRRORSPACE_SAME(SYNCOBJ_FD_TO_HANDLE, drm_syncobj_handle);
MIRRORSPACE_SAME(SYNCOBJ_QUERY, drm_syncobj_timeline_array);
MIRRORSPACE_SAME(SYNCOBJ_TIMELINE_SIGNAL, drm_syncobj_timeline_array);
#undef MIRRORSPACE_SAME
static_assert(mirrorspace::abi::drm::DROP_MASTER == DRM_IOCTL_DROP_MASTER);
// Headers before Linux 6.6 have it without its last field.
static_assert(sizeof(struct ::drm_syncobj_timeline_wait) == 40 ||
              mirrorspace::abi::drm::SYNCOBJ_TIMELINE_WAIT == DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT);
#endif
