// Comparing pages, with a copy or with hashes: how writes are found where the kernel does not tell.
#pragma once
#include <napi.h>

namespace mirrorspace::compare {

void init(Napi::Env env, Napi::Object exports);

}  // namespace mirrorspace::compare
