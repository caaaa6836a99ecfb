#include "fault/install.h"

#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#include "kernel-abi.h"
#include "memory.h"

namespace mirrorspace {

/// Zeros to copy from, at most this many pages at once.
constexpr uint64_t ZERO_PAGES = 16;

static uint64_t zeros() {
  static const auto data = []() {
    void* made = mmap(nullptr, ZERO_PAGES * pageSize(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return made == MAP_FAILED ? 0 : reinterpret_cast<uint64_t>(made);
  }();
  return data;
}

/// One ioctl: 0 or its errno; `done` gets the bytes that it says it did.
static int once(int fd, Source source, uint64_t to, uint64_t from, uint64_t length, bool clean, int64_t& done) {
  done = 0;
  int result = 0;
  switch (source) {
    case Source::Zeros:
      if (!clean) {
        uffdio_zeropage arg{{to, length}, 0, 0};
        result = ioctl(fd, UFFDIO_ZEROPAGE, &arg);
        done = arg.zeropage;
        break;
      }
      from = zeros();
      if (from == 0) return ENOMEM;
      length = std::min(length, ZERO_PAGES * pageSize());
      [[fallthrough]];
    case Source::Copy: {
      uffdio_copy arg{to, from, length, clean ? UFFDIO_COPY_MODE_WP : 0, 0};
      result = ioctl(fd, UFFDIO_COPY, &arg);
      done = arg.copy;
      break;
    }
    case Source::Continue: {
      uffdio_continue arg{{to, length}, clean ? abi::CONTINUE_MODE_WP : 0, 0};
      result = ioctl(fd, UFFDIO_CONTINUE, &arg);
      done = arg.mapped;
      break;
    }
    case Source::Move: {
      abi::uffdio_move arg{to, from, length, 0, 0};
      result = ioctl(fd, abi::MOVE, &arg);
      done = arg.move;
      break;
    }
    case Source::JavaScript:
      return EINVAL;
  }
  return result == 0 ? 0 : errno;
}

/// One page, by other means than the ioctl that refused it with `refused`; returns the errno that is left.
static int another(int fd, Source source, uint64_t to, uint64_t from, bool clean, int refused) {
  int64_t done = 0;
  const uint64_t page = pageSize();
  // A hole where pages are moved from.
  if (source == Source::Move && refused == ENOENT) {
    return once(fd, Source::Zeros, to, 0, page, clean, done);
  }
  // A page that others use, too, or that is pinned, cannot be moved.
  if (source == Source::Move && refused == EBUSY) {
    const int error = once(fd, Source::Copy, to, from, page, clean, done);
    if (error == 0) madvise(reinterpret_cast<void*>(from), page, MADV_DONTNEED);
    return error;
  }
  return refused;
}

Installation installPages(int fd, Source source, uint64_t to, uint64_t from, uint64_t length, bool clean) {
  Installation result;
  const uint64_t page = pageSize();
  uint64_t at = 0;
  for (unsigned retries = 0; at < length;) {
    int64_t done = 0;
    int error = once(fd, source, to + at, from + at, length - at, clean, done);
    if (done > 0) {
      at += static_cast<uint64_t>(done);
      result.installed += static_cast<uint64_t>(done);
      retries = 0;
      continue;
    }
    if (error == 0) break;
    if (error == EAGAIN && retries++ < 1000) {
      sched_yield();
      continue;
    }
    // Holes of a memfd: as many at once as there are.
    if (source == Source::Continue && error == EFAULT) {
      error = once(fd, Source::Zeros, to + at, 0, std::min(length - at, ZERO_PAGES * page), clean, done);
      if (done > 0) {
        at += static_cast<uint64_t>(done);
        result.installed += static_cast<uint64_t>(done);
        retries = 0;
        continue;
      }
      // Somebody made it meanwhile, or the entry is there: the next round tells.
      if ((error == EEXIST || error == EAGAIN) && retries++ < 1000) continue;
    }
    if (error != EEXIST) {
      error = another(fd, source, to + at, from + at, clean, error);
      if (error == 0) result.installed += page;
    }
    if (error == EEXIST) {
      // Whoever faulted on it may have been asleep when it came.
      wakePages(fd, to + at, page);
      result.present += page;
    } else if (error != 0) {
      result.error = error;
      return result;
    }
    at += page;
    retries = 0;
  }
  return result;
}

void wakePages(int fd, uint64_t start, uint64_t length) {
  uffdio_range range{start, length};
  ioctl(fd, UFFDIO_WAKE, &range);
}

}  // namespace mirrorspace
