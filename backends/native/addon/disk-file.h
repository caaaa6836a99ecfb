// A regular file whose pages can be mapped.
#pragma once
#include <napi.h>

#include "handle.h"
#include "owned-fd.h"

namespace mirrorspace {

struct OpenDiskFile {
  OwnedFd fd;
  const bool writable;
  /// Bytes it has now. @throws the errno of fstat
  uint64_t length(Napi::Env env) const;
};

class DiskFile : public Handle<DiskFile, OpenDiskFile> {
 public:
  static constexpr const char* NAME = "a DiskFile";
  static constexpr napi_type_tag TAG = {0x6a1d94c35be04f27, 0x8c70e21fa9d3b546};
  static void init(Napi::Env env, Napi::Object exports);
  explicit DiskFile(const Napi::CallbackInfo& info) : Handle(info) {}

 private:
  static Napi::Value open(const Napi::CallbackInfo& info);
  Napi::Value length(const Napi::CallbackInfo& info);
  Napi::Value writable(const Napi::CallbackInfo& info);
  Napi::Value allocate(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
};

}  // namespace mirrorspace
