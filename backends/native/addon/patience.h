// Blocking a thread of JavaScript without keeping it from its end.
#pragma once
#include <napi.h>

#include <algorithm>
#include <cerrno>

#include "fault/userfaults.h"
#include "futex.h"

namespace mirrorspace {

/// How often a blocked thread looks whether it is to end, in milliseconds.
constexpr double SLICE_MS = 20;

inline bool before(const timespec& a, const timespec& b) {
  return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

/// Whether the environment runs JavaScript no more: its worker was terminated. An exception is pending then.
inline bool terminated(Napi::Env env) {
  const Napi::HandleScope scope(env);
  napi_value result = nullptr;
  return napi_run_script(env, Napi::String::New(env, "0"), &result) != napi_ok;
}

/// Blocks in slices until `wait(slice)` returns true, the deadline, or the end of the worker or the process.
template <typename WaitOnce>
void blockInSlices(Napi::Env env, const timespec& deadline, WaitOnce wait) {
  for (;;) {
    const timespec slice = std::min(deadlineIn(SLICE_MS), deadline, before);
    if (wait(slice) || !before(slice, deadline) || processEnds() || terminated(env)) return;
  }
}

}  // namespace mirrorspace
