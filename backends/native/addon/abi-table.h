// The kernel's structs and numbers as this compiler sees them, for the tests of the codec in TypeScript.
#pragma once
#include <napi.h>

namespace mirrorspace::abi {

void init(Napi::Env env, Napi::Object exports);

}  // namespace mirrorspace::abi
