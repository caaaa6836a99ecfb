// Waiting for a word of memory to change. Words are found by what they are a part of, not by their address: so who
// waits at one mapping of a memfd hears who wakes at another. (V8's Atomics.wait sleeps elsewhere: neither wakes the
// other.)
#pragma once
#include <linux/futex.h>
#include <napi.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdint>

namespace mirrorspace {

/// Longest that one call may block its thread.
constexpr uint64_t LONGEST_WAIT_MS = 60'000;

/// The time of CLOCK_MONOTONIC, `ms` from now on.
inline timespec deadlineIn(double ms) {
  timespec at{};
  clock_gettime(CLOCK_MONOTONIC, &at);
  const int64_t ns = at.tv_nsec + static_cast<int64_t>(ms * 1e6);
  at.tv_sec += ns / 1'000'000'000;
  at.tv_nsec = ns % 1'000'000'000;
  return at;
}

/// Sleeps while `*word == expected`, until a wake or the deadline. Returns 0, or EAGAIN (not equal), ETIMEDOUT, EINTR,
/// EFAULT.
inline int futexWait(const void* word, uint32_t expected, const timespec& deadline) {
  const long result = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, &deadline, nullptr, FUTEX_BITSET_MATCH_ANY);
  return result == 0 ? 0 : errno;
}

/// Wakes up to `count` who sleep there. Returns how many, or -1 with errno.
inline long futexWake(const void* word, int count = INT_MAX) {
  return syscall(SYS_futex, word, FUTEX_WAKE, count, nullptr, nullptr, 0);
}

namespace futex {
void init(Napi::Env env, Napi::Object exports);
}

}  // namespace mirrorspace
