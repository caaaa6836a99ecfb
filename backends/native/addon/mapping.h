// A range of address space that JavaScript holds: reserved, mapped, advised, moved, and unmapped.
#pragma once
#include <napi.h>

#include "handle.h"
#include "memory.h"

namespace mirrorspace {

class Mapping : public Handle<Mapping, Memory> {
 public:
  static constexpr const char* NAME = "a Mapping";
  static constexpr napi_type_tag TAG = {0x6d07e3b1c94f4a02, 0x8a51f2ce03b7d96e};
  static void init(Napi::Env env, Napi::Object exports);
  explicit Mapping(const Napi::CallbackInfo& info) : Handle(info) {}

 private:
  static Napi::Value reserve(const Napi::CallbackInfo& info);
  static Napi::Value map(const Napi::CallbackInfo& info);
  Napi::Value length(const Napi::CallbackInfo& info);
  Napi::Value address(const Napi::CallbackInfo& info);
  Napi::Value place(const Napi::CallbackInfo& info);
  Napi::Value clear(const Napi::CallbackInfo& info);
  Napi::Value move(const Napi::CallbackInfo& info);
  Napi::Value advise(const Napi::CallbackInfo& info);
  Napi::Value arrayBuffer(const Napi::CallbackInfo& info);
  Napi::Value sharedArrayBuffer(const Napi::CallbackInfo& info);
  Napi::Value unmap(const Napi::CallbackInfo& info);
};

/// The memory of a Mapping, or of a typed array or DataView, from an offset on. @throws outside of it
Span spanOf(const Arguments& arguments, size_t source, const char* name, size_t offset, uint64_t length);

/// The same, of any value.
Span spanFrom(const Arguments& arguments, const Napi::Value& source, const char* name, uint64_t offset,
              uint64_t length);

}  // namespace mirrorspace
