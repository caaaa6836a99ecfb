// What the kernel says about pages: PAGEMAP_SCAN of /proc/self/pagemap.
#pragma once
#include <napi.h>

#include <cstdint>

#include "kernel-abi.h"

namespace mirrorspace::pagemap {

constexpr uint64_t WRITTEN = 2;
constexpr uint64_t PRESENT = 8;
/// Also of an entry that stands for a page that is being moved, and of one that is only a marker.
constexpr uint64_t SWAPPED = 16;

/// Which pages a scan looks for.
struct Pages {
  /// Categories that they must all be of.
  uint64_t all = 0;
  /// Categories of which they must be of one, where there are any.
  uint64_t any = 0;
  /// Categories whose meaning is inverted.
  uint64_t inverted = 0;
};

/// Written, and there.
constexpr Pages STORED{WRITTEN, PRESENT | SWAPPED, 0};
/// Without any entry, not even a marker.
constexpr Pages HOLES{WRITTEN | PRESENT | SWAPPED, 0, PRESENT | SWAPPED};
/// There.
constexpr Pages THERE{PRESENT, 0, 0};

/// Runs of such pages in a range, at most `most`. `walked`: where it ended.
/// @param flags 1: protects them in the same step; 2: fails where writes are not tracked asynchronously.
/// @return Runs, or -1 with errno.
int scan(uint64_t start, uint64_t end, const Pages& pages, uint64_t flags, abi::page_region* out, size_t most,
         uint64_t& walked);

void init(Napi::Env env, Napi::Object exports);

}  // namespace mirrorspace::pagemap
