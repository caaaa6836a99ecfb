// The userfaultfd ioctls that make pages present, with what they may answer dealt with.
#pragma once
#include <cstdint>

namespace mirrorspace {

/// Where the pages of a range come from.
enum class Source { JavaScript, Zeros, Copy, Continue, Move };

struct Installation {
  /// Bytes of pages that came; those that were there already are not counted.
  uint64_t installed = 0;
  /// Bytes of pages that were there already.
  uint64_t present = 0;
  /// What the kernel refused in the end; 0: nothing.
  int error = 0;
};

/**
 * Makes [to, to + length) present and wakes who waits there. Pages that are there are left as they are.
 * @param from Of the copied or moved bytes.
 * @param clean Write-protected, so that the next write is seen. A moved page cannot be.
 */
Installation installPages(int fd, Source source, uint64_t to, uint64_t from, uint64_t length, bool clean);

/// Wakes who waits for a page of the range; it tries again.
void wakePages(int fd, uint64_t start, uint64_t length);

}  // namespace mirrorspace
