#include "abi-table.h"

#include <linux/userfaultfd.h>

#include <cstddef>

#include "drm-abi.h"
#include "kernel-abi.h"

namespace mirrorspace::abi {

/// Has every kind of padding: what a codec gets wrong first.
struct Padded {
  uint8_t a;
  uint16_t b;
  uint8_t c[3];
  uint32_t d;
  uint8_t e;
  uint64_t f;
  struct {
    uint8_t x;
    int32_t y;
  } g[2];
  int16_t h;
};

// clang-format off
#define FIELD(type, name) fields.Set(#name, Napi::Number::New(env, static_cast<double>(offsetof(type, name))))
#define STRUCT(name, type, list) { \
    Napi::Object fields = Napi::Object::New(env); list; \
    Napi::Object entry = Napi::Object::New(env); \
    entry.Set("size", Napi::Number::New(env, static_cast<double>(sizeof(type)))); entry.Set("fields", fields); \
    structs.Set(name, entry); }
#define NUMBER(name, value) numbers.Set(name, Napi::Number::New(env, static_cast<double>(static_cast<uint32_t>(value))))
// clang-format on

static Napi::Value table(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Object structs = Napi::Object::New(env);
  Napi::Object numbers = Napi::Object::New(env);
  STRUCT("Padded", Padded,
         (FIELD(Padded, a), FIELD(Padded, b), FIELD(Padded, c), FIELD(Padded, d), FIELD(Padded, e), FIELD(Padded, f),
          FIELD(Padded, g), FIELD(Padded, h)));
  STRUCT("uffdio_api", uffdio_api, (FIELD(uffdio_api, api), FIELD(uffdio_api, features), FIELD(uffdio_api, ioctls)));
  STRUCT("uffdio_register", uffdio_register,
         (FIELD(uffdio_register, range), FIELD(uffdio_register, mode), FIELD(uffdio_register, ioctls)));
  STRUCT("uffdio_copy", uffdio_copy,
         (FIELD(uffdio_copy, dst), FIELD(uffdio_copy, src), FIELD(uffdio_copy, len), FIELD(uffdio_copy, mode),
          FIELD(uffdio_copy, copy)));
  STRUCT("pm_scan_arg", pm_scan_arg,
         (FIELD(pm_scan_arg, size), FIELD(pm_scan_arg, vec), FIELD(pm_scan_arg, return_mask)));
  STRUCT("drm_version", drm_version,
         (FIELD(drm_version, version_major), FIELD(drm_version, name_len), FIELD(drm_version, name),
          FIELD(drm_version, date), FIELD(drm_version, desc_len), FIELD(drm_version, desc)));
  STRUCT("drm_gem_close", drm_gem_close, (FIELD(drm_gem_close, handle)));
  STRUCT("drm_get_cap", drm_get_cap, (FIELD(drm_get_cap, capability), FIELD(drm_get_cap, value)));
  STRUCT("drm_prime_handle", drm_prime_handle,
         (FIELD(drm_prime_handle, handle), FIELD(drm_prime_handle, flags), FIELD(drm_prime_handle, fd)));
  STRUCT("drm_mode_create_dumb", drm_mode_create_dumb,
         (FIELD(drm_mode_create_dumb, height), FIELD(drm_mode_create_dumb, width), FIELD(drm_mode_create_dumb, bpp),
          FIELD(drm_mode_create_dumb, handle), FIELD(drm_mode_create_dumb, pitch), FIELD(drm_mode_create_dumb, size)));
  STRUCT("drm_mode_map_dumb", drm_mode_map_dumb,
         (FIELD(drm_mode_map_dumb, handle), FIELD(drm_mode_map_dumb, offset)));
  STRUCT("drm_mode_destroy_dumb", drm_mode_destroy_dumb, (FIELD(drm_mode_destroy_dumb, handle)));
  STRUCT("drm_syncobj_create", drm_syncobj_create, (FIELD(drm_syncobj_create, handle), FIELD(drm_syncobj_create, flags)));
  STRUCT("drm_syncobj_destroy", drm_syncobj_destroy, (FIELD(drm_syncobj_destroy, handle)));
  STRUCT("drm_syncobj_handle", drm_syncobj_handle,
         (FIELD(drm_syncobj_handle, handle), FIELD(drm_syncobj_handle, flags), FIELD(drm_syncobj_handle, fd)));
  STRUCT("drm_syncobj_timeline_wait", drm_syncobj_timeline_wait,
         (FIELD(drm_syncobj_timeline_wait, handles), FIELD(drm_syncobj_timeline_wait, points),
          FIELD(drm_syncobj_timeline_wait, timeout_nsec), FIELD(drm_syncobj_timeline_wait, count_handles),
          FIELD(drm_syncobj_timeline_wait, flags), FIELD(drm_syncobj_timeline_wait, first_signaled),
          FIELD(drm_syncobj_timeline_wait, deadline_nsec)));
  STRUCT("drm_syncobj_timeline_array", drm_syncobj_timeline_array,
         (FIELD(drm_syncobj_timeline_array, handles), FIELD(drm_syncobj_timeline_array, points),
          FIELD(drm_syncobj_timeline_array, count_handles), FIELD(drm_syncobj_timeline_array, flags)));
  NUMBER("UFFDIO_API", UFFDIO_API);
  NUMBER("UFFDIO_REGISTER", UFFDIO_REGISTER);
  NUMBER("UFFDIO_UNREGISTER", UFFDIO_UNREGISTER);
  NUMBER("UFFDIO_COPY", UFFDIO_COPY);
  NUMBER("UFFDIO_MOVE", MOVE);
  NUMBER("USERFAULTFD_IOC_NEW", NEW);
  NUMBER("PAGEMAP_SCAN", SCAN);
  NUMBER("DRM_IOCTL_VERSION", drm::VERSION);
  NUMBER("DRM_IOCTL_GEM_CLOSE", drm::GEM_CLOSE);
  NUMBER("DRM_IOCTL_GET_CAP", drm::GET_CAP);
  NUMBER("DRM_IOCTL_DROP_MASTER", drm::DROP_MASTER);
  NUMBER("DRM_IOCTL_PRIME_HANDLE_TO_FD", drm::PRIME_HANDLE_TO_FD);
  NUMBER("DRM_IOCTL_PRIME_FD_TO_HANDLE", drm::PRIME_FD_TO_HANDLE);
  NUMBER("DRM_IOCTL_MODE_CREATE_DUMB", drm::MODE_CREATE_DUMB);
  NUMBER("DRM_IOCTL_MODE_MAP_DUMB", drm::MODE_MAP_DUMB);
  NUMBER("DRM_IOCTL_MODE_DESTROY_DUMB", drm::MODE_DESTROY_DUMB);
  NUMBER("DRM_IOCTL_SYNCOBJ_CREATE", drm::SYNCOBJ_CREATE);
  NUMBER("DRM_IOCTL_SYNCOBJ_DESTROY", drm::SYNCOBJ_DESTROY);
  NUMBER("DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD", drm::SYNCOBJ_HANDLE_TO_FD);
  NUMBER("DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE", drm::SYNCOBJ_FD_TO_HANDLE);
  NUMBER("DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT", drm::SYNCOBJ_TIMELINE_WAIT);
  NUMBER("DRM_IOCTL_SYNCOBJ_QUERY", drm::SYNCOBJ_QUERY);
  NUMBER("DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL", drm::SYNCOBJ_TIMELINE_SIGNAL);
  Napi::Object out = Napi::Object::New(env);
  out.Set("structs", structs);
  out.Set("numbers", numbers);
  return out;
}

void init(Napi::Env env, Napi::Object exports) { exports.Set("abiTable", Napi::Function::New<table>(env, "abiTable")); }

}  // namespace mirrorspace::abi
