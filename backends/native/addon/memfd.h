// Memory without a name in the file system, that can be mapped at several addresses.
#pragma once
#include <napi.h>

#include <atomic>

#include "handle.h"
#include "owned-fd.h"

namespace mirrorspace {

/// A memfd that cannot shrink: what is mapped of it stays there.
class MemoryFile {
 public:
  explicit MemoryFile(OwnedFd fd, uint64_t length) : fd(std::move(fd)), length(length) {}
  const OwnedFd fd;
  std::atomic<uint64_t> length;
};

class Memfd : public Handle<Memfd, MemoryFile> {
 public:
  static constexpr const char* NAME = "a Memfd";
  static constexpr napi_type_tag TAG = {0x3b8c1f0e9a6d4427, 0xb1e65d0c7a2f9483};
  static void init(Napi::Env env, Napi::Object exports);
  explicit Memfd(const Napi::CallbackInfo& info) : Handle(info) {}

 private:
  static Napi::Value create(const Napi::CallbackInfo& info);
  Napi::Value length(const Napi::CallbackInfo& info);
  Napi::Value grow(const Napi::CallbackInfo& info);
  Napi::Value punch(const Napi::CallbackInfo& info);
  Napi::Value data(const Napi::CallbackInfo& info);
  Napi::Value committed(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
};

}  // namespace mirrorspace
