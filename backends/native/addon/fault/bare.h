// A handler of faults that does nothing but what it must, as a peer in benchmarks.
#pragma once
#include <napi.h>

namespace mirrorspace::bare {

void init(Napi::Env env, Napi::Object exports);

}  // namespace mirrorspace::bare
