// An owned file descriptor: JavaScript never sees the number, and passes it to no call.
#pragma once
#include <napi.h>

#include "handle.h"
#include "ioctl.h"
#include "owned-fd.h"

namespace mirrorspace {

/// An open file, and the requests it may be asked.
struct OpenFile {
  OwnedFd fd;
  std::shared_ptr<const Requests> requests;
};

class Descriptor : public Handle<Descriptor, OpenFile> {
 public:
  static constexpr const char* NAME = "a Descriptor";
  static constexpr napi_type_tag TAG = {0x8f2b0c6d4f1e4a57, 0x9d3c1a7be5f60241};
  static void init(Napi::Env env, Napi::Object exports);
  explicit Descriptor(const Napi::CallbackInfo& info) : Handle(info) {}

 private:
  static Napi::Value open(const Napi::CallbackInfo& info);
  Napi::Value ioctl(const Napi::CallbackInfo& info);
  Napi::Value ioctlAsync(const Napi::CallbackInfo& info);
  Napi::Value poll(const Napi::CallbackInfo& info);
  Napi::Value look(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
  Napi::Value closeAsync(const Napi::CallbackInfo& info);
};

}  // namespace mirrorspace
