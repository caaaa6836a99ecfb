// Pages that are taken out of a mapping and let in again, and who wrote which.
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <cerrno>

#include "fault/userfaults.h"
#include "pagemap.h"

namespace mirrorspace {

/// Runs that a scan returns at once.
constexpr size_t RUNS = 512;

bool swaps() {
  struct sysinfo info {};
  return sysinfo(&info) != 0 || info.totalswap != 0;
}

/// Calls `use(start, end)` for runs of pages; changes nothing. 0 or an errno.
template <typename Use>
static int eachRun(uint64_t start, uint64_t end, const pagemap::Pages& pages, uint64_t flags, Use use) {
  abi::page_region runs[RUNS];
  for (uint64_t at = start; at < end;) {
    uint64_t walked = end;
    const int found = pagemap::scan(at, end, pages, flags, runs, RUNS, walked);
    if (found < 0) return errno;
    for (int i = 0; i < found; i++) use(runs[i].start, runs[i].end);
    at = walked;
  }
  return 0;
}

int Userfaults::withhold(uint64_t start, uint64_t end) {
  const std::lock_guard lock(mutex_);
  for (uint64_t at = start; at < end; at = find(at)->second.end) {
    const auto found = find(at);
    if (found == registrations_.end() || !found->second.withheld) return ENOENT;
  }
  for (uint64_t at = start; at < end;) {
    Registration& one = find(at)->second;
    const uint64_t to = std::min(end, one.end);
    if (one.lazy) {
      uffdio_register arg{{one.start, one.end - one.start}, one.mode, 0};
      if (ioctl(fd_.get(), UFFDIO_REGISTER, &arg) != 0) return errno;
      one.lazy = false;
      const auto show = [&](uint64_t from, uint64_t to) { one.shown->set(one.page(from), one.page(to), true); };
      if (one.shown) {
        if (const int error = eachRun(one.start, one.end, pagemap::THERE, 0, show)) return error;
      }
    }
    // Under the lock, and first: the handler brings no page from now on.
    one.withheld->set(one.page(at), one.page(to), true);
    if (const int error = takeOut(one, at, to)) return error;
    at = to;
  }
  return 0;
}

/**
 * Takes pages out. Where the kernel tracks writes it forgets with the entry that there was one; but of a protected entry it leaves a
 * marker. So a page that was shown and has left none was written, at the latest in the moment in which it went.
 */
int Userfaults::takeOut(Registration& one, uint64_t start, uint64_t end) {
  if (madvise(reinterpret_cast<void*>(start), end - start, MADV_DONTNEED) != 0) return errno;
  return one.shown ? noteVanished(one, start, end) : 0;
}

/// Notes pages as written that were shown and have no entry, not even a marker, any more. 0 or an errno.
int Userfaults::noteVanished(Registration& one, uint64_t start, uint64_t end) {
  const uint64_t last = one.page(end);
  for (uint64_t page = one.page(start); page < last;) {
    page = one.shown->next(page, last, true);
    const uint64_t to = one.shown->next(page, last, false);
    const auto note = [&](uint64_t from, uint64_t until) {
      one.written->set(one.page(from), one.page(until), true);
      one.shown->set(one.page(from), one.page(until), false);
      one.noticed = true;
    };
    const uint64_t base = one.origin;
    if (const int error = eachRun(base + page * pageSize(), base + to * pageSize(), pagemap::HOLES, 0, note)) return error;
    page = to;
  }
  return 0;
}

int Userfaults::protect(uint64_t start, uint64_t end, bool on) {
  uffdio_writeprotect arg{{start, end - start}, on ? UFFDIO_WRITEPROTECT_MODE_WP : 0};
  const std::lock_guard lock(mutex_);
  return ioctl(fd_.get(), UFFDIO_WRITEPROTECT, &arg) == 0 ? 0 : errno;
}

void Userfaults::restore(uint64_t start, uint64_t end) {
  const std::lock_guard lock(mutex_);
  for (uint64_t at = start; at < end;) {
    const auto found = find(at);
    if (found == registrations_.end()) break;
    Registration& one = found->second;
    const uint64_t to = std::min(end, one.end);
    if (one.withheld) one.withheld->set(one.page(at), one.page(to), false);
    for (const auto* faults : {&waiting_, &taken_}) {
      for (const HandedFault& fault : *faults) {
        if (fault.address < at || fault.address >= to) continue;
        // Sources that have faults of their own must not be touched under the lock: the handler brings these pages.
        const bool here = one.source == Source::Continue || one.source == Source::Zeros;
        if (here) notice(fault.address, fault.address + pageSize(), !one.clean);
        const int error = here ? installPages(fd_.get(), one.source, fault.address, 0, pageSize(), one.clean).error : EINVAL;
        if (error != 0) wakePages(fd_.get(), fault.address, pageSize());
      }
    }
    at = to;
  }
  answered(start, end);
}

void Userfaults::forgetWritten(uint64_t start, uint64_t end) {
  const std::lock_guard lock(mutex_);
  for (uint64_t at = start; at < end;) {
    const auto found = find(at);
    if (found == registrations_.end()) return;
    Registration& one = found->second;
    const uint64_t to = std::min(end, one.end);
    if (one.noticed) one.written->set(one.page(at), one.page(to), false);
    if (one.shown) one.shown->set(one.page(at), one.page(to), false);
    at = to;
  }
}

/// Has the kernel tell what it knows of written pages, as bits. 0 or an errno.
int Userfaults::askKernel(Registration& one, uint64_t start, uint64_t end) {
  const auto note = [&](uint64_t from, uint64_t to) {
    one.written->set(one.page(from), one.page(to), true);
    one.noticed = true;
  };
  if (const int error = eachRun(start, end, pagemap::STORED, 3, note)) return error;
  // Afterwards: what leaves memory between the two is found here.
  return one.shown && swaps() ? noteVanished(one, start, end) : 0;
}

/// Takes what is noticed of one registration.
int Userfaults::takeNoticed(Registration& one, uint64_t start, uint64_t end, abi::page_region* out, size_t most, size_t& runs,
                            uint64_t& stopped) {
  const uint64_t last = one.page(end);
  for (uint64_t page = one.page(start); page < last;) {
    const uint64_t from = one.written->next(page, last, true);
    if (from == last) break;
    if (runs == most) {
      stopped = one.origin + from * pageSize();
      return 0;
    }
    const uint64_t to = one.written->next(from, last, false);
    const uint64_t address = one.origin + from * pageSize();
    if (!(features & abi::FEATURE_WP_ASYNC)) {
      // Protected first: a write from now on faults, waits for the lock, and sets the bit again.
      uffdio_writeprotect arg{{address, (to - from) * pageSize()}, UFFDIO_WRITEPROTECT_MODE_WP};
      if (ioctl(fd_.get(), UFFDIO_WRITEPROTECT, &arg) != 0) return errno;
    }
    one.written->set(from, to, false);
    out[runs++] = {address, address + (to - from) * pageSize(), 0};
    page = to;
  }
  stopped = end;
  if (start == one.start && end == one.end) one.noticed = false;
  return 0;
}

int Userfaults::takeWritten(uint64_t start, uint64_t end, abi::page_region* out, size_t most, size_t& runs, uint64_t& stopped) {
  const std::lock_guard lock(mutex_);
  runs = 0;
  stopped = start;
  for (uint64_t at = start; at < end && stopped == at;) {
    const auto found = find(at);
    if (found == registrations_.end() || !found->second.written) return ENOENT;
    Registration& one = found->second;
    const uint64_t to = std::min(end, one.end);
    const bool async = features & abi::FEATURE_WP_ASYNC;
    if (async && !one.noticed && !swaps()) {
      // The kernel takes no room for nothing.
      if (runs == most) return 0;
      const int found = pagemap::scan(at, to, pagemap::STORED, 3, out + runs, most - runs, stopped);
      if (found < 0) return errno;
      runs += static_cast<size_t>(found);
    } else if (async || one.noticed) {
      if (async) {
        if (const int error = askKernel(one, at, to)) return error;
      }
      if (const int error = takeNoticed(one, at, to, out, most, runs, stopped)) return error;
    } else {
      stopped = to;
    }
    at = to;
  }
  return 0;
}

}  // namespace mirrorspace
