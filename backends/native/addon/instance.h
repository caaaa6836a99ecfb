// What the addon keeps for each environment (the main thread, each worker).
#pragma once
#include <napi.h>

#include <memory>
#include <unordered_map>
#include <vector>

#include "memory.h"
#include "promises.h"

namespace mirrorspace {

struct Instance {
  /// Constructors, by the type tag of their class, for objects that C++ makes.
  std::unordered_map<const void*, Napi::FunctionReference> constructors;
  /// ArrayBuffers made here, by the memory under them: unmapping detaches them.
  std::vector<std::pair<const Memory*, Napi::Reference<Napi::ArrayBuffer>>> buffers;
  std::shared_ptr<Promises> promises;

  static Instance& of(Napi::Env env) { return *env.GetInstanceData<Instance>(); }
};

}  // namespace mirrorspace
