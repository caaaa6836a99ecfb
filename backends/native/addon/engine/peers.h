// What the engine is measured against: the same work in plain C, and two threads that wake each other by bare futexes.
#pragma once
#include <napi.h>

namespace mirrorspace::engine::peers {

void init(Napi::Env env, Napi::Object exports);

}  // namespace mirrorspace::engine::peers
