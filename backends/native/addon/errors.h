// JavaScript errors: of system calls, of arguments, of closed handles.
#pragma once
#include <napi.h>

#include <string>

namespace mirrorspace {

/// Throws an Error `{ errno, code: 'EINVAL', call: 'UFFDIO_COPY' }`. `detail` says where, e.g. a range or a path.
[[noreturn]] void throwErrno(Napi::Env env, int error, const char* call, const std::string& detail = "");

/// Throws an Error with `code` (one of core's error codes) for what is not the kernel's refusal.
[[noreturn]] void throwCode(Napi::Env env, const char* code, const std::string& message);

[[noreturn]] void throwType(Napi::Env env, const std::string& message);
[[noreturn]] void throwRange(Napi::Env env, const std::string& message);

/// `EINVAL` of an errno; `E<number>` of one that has no name.
std::string errnoName(int error);

}  // namespace mirrorspace
