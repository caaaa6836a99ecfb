// What the in-process engine has in C++. The device itself is WebAssembly and JavaScript in threads: see src/engine.
#pragma once
#include <napi.h>

namespace mirrorspace::engine {

void init(Napi::Env env, Napi::Object exports);

}  // namespace mirrorspace::engine
