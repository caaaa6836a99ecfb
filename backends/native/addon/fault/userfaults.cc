#include "fault/userfaults.h"

#include <linux/userfaultfd.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>

#include "futex.h"
#include "kernel-abi.h"

namespace mirrorspace {

namespace {

/// All that are there, for the end of the process. Never destroyed.
struct Everyone {
  std::mutex mutex;
  std::set<Userfaults*> all;
  std::atomic<bool> ending{false};
  static Everyone& get() {
    static Everyone* everyone = new Everyone;
    return *everyone;
  }
};

constexpr uint64_t FAULTING = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_MINOR;

}  // namespace

Userfaults::Userfaults(OwnedFd fd, uint64_t features, bool userModeOnly, uint64_t patienceMs, bool exits, bool direct)
    : features(features),
      userModeOnly(userModeOnly),
      fd_(std::move(fd)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      patienceNs_(patienceMs * 1'000'000),
      exits_(exits),
      direct_(direct) {
  const std::lock_guard lock(Everyone::get().mutex);
  Everyone::get().all.insert(this);
}

Userfaults::Registrations::iterator Userfaults::find(uint64_t address) {
  auto at = registrations_.upper_bound(address);
  if (at == registrations_.begin()) return registrations_.end();
  --at;
  return address < at->second.end ? at : registrations_.end();
}

bool Userfaults::feeds(uint64_t start, uint64_t end) {
  const std::lock_guard lock(mutex_);
  if (!sourced_) return false;
  for (const auto& [key, one] : registrations_) {
    if (one.from.data && one.from.start() < end && start < one.from.end()) return true;
  }
  return false;
}

/// Whether a handler that brings pages could meet a fault that waits, in the end, for itself.
bool Userfaults::wouldWaitForItself(const Registration& one) {
  const std::lock_guard lock(Everyone::get().mutex);
  for (Userfaults* other : Everyone::get().all) {
    if (one.from.data && other->faults(one.from.start(), one.from.end())) return true;
    if ((one.mode & FAULTING) && other->feeds(one.start, one.end)) return true;
  }
  return one.from.data && one.from.start() < one.end && one.start < one.from.end();
}

/// The first registration that ends behind `address`.
Userfaults::Registrations::iterator Userfaults::from(uint64_t address) {
  const auto within = find(address);
  return within != registrations_.end() ? within : registrations_.lower_bound(address);
}

int Userfaults::add(Registration registration) {
  // One at a time in the process, so that two cannot come to feed each other.
  static std::mutex registering;
  const std::lock_guard turn(registering);
  if (wouldWaitForItself(registration)) return EDEADLK;
  const std::lock_guard lock(mutex_);
  if (closed_) return EBADF;
  const auto after = from(registration.start);
  if (after != registrations_.end() && after->first < registration.end) return EEXIST;
  const uint64_t pages = (registration.end - registration.start) / pageSize();
  if (registration.mode & FAULTING) registration.withheld = std::make_shared<PageBits>(pages);
  if (registration.mode & UFFDIO_REGISTER_MODE_WP) {
    registration.written = std::make_shared<PageBits>(pages);
    if (features & abi::FEATURE_WP_ASYNC) registration.shown = std::make_shared<PageBits>(pages);
  }
  // What the kernel brings itself we do not know, and could not miss.
  if (swaps()) registration.lazy = false;
  const uint64_t now = registration.lazy ? registration.mode & UFFDIO_REGISTER_MODE_WP : registration.mode;
  uffdio_register arg{{registration.start, registration.end - registration.start}, now, 0};
  if (now != 0 && ioctl(fd_.get(), UFFDIO_REGISTER, &arg) != 0) return errno;
  sourced_ = sourced_ || registration.from.data;
  const uint64_t start = registration.start;
  registrations_.emplace(start, std::move(registration));
  return 0;
}

/// Ends the part [start, end) of one registration.
void Userfaults::end(Registrations::iterator at, uint64_t start, uint64_t end) {
  uffdio_range range{start, end - start};
  ioctl(fd_.get(), UFFDIO_UNREGISTER, &range);
  // Where something else is mapped by now, that woke nobody.
  ioctl(fd_.get(), UFFDIO_WAKE, &range);
  Registration rest = std::move(at->second);
  registrations_.erase(at);
  if (end < rest.end) {
    Registration upper = rest;
    upper.start = end;
    registrations_.emplace(end, std::move(upper));
  }
  if (rest.start < start) {
    rest.end = start;
    registrations_.emplace(rest.start, std::move(rest));
  }
  answered(start, end);
}

void Userfaults::forget(uint64_t start, uint64_t end) {
  const std::lock_guard lock(mutex_);
  // Each end may split a registration, so the walk begins anew.
  for (auto at = from(start); at != registrations_.end() && at->first < end; at = from(start)) {
    this->end(at, std::max(at->second.start, start), std::min(at->second.end, end));
  }
  for (auto at = registrations_.begin(); sourced_ && at != registrations_.end();) {
    const Span& source = at->second.from;
    if (source.data && source.start() < end && start < source.end()) {
      this->end(at, at->second.start, at->second.end);
      at = registrations_.begin();
    } else {
      ++at;
    }
  }
}

bool Userfaults::faults(uint64_t start, uint64_t end) {
  const std::lock_guard lock(mutex_);
  for (auto at = from(start); at != registrations_.end() && at->first < end; ++at) {
    if (at->second.mode & FAULTING) return true;
  }
  return false;
}

/// Notes that pages are shown from now on; those that come without protection as written where nobody would notice what is
/// written to them.
void Userfaults::notice(uint64_t start, uint64_t end, bool unprotected) {
  for (uint64_t at = start; at < end;) {
    const auto found = find(at);
    if (found == registrations_.end()) {
      at += pageSize();
      continue;
    }
    Registration& one = found->second;
    const uint64_t to = std::min(end, one.end);
    if (one.shown) one.shown->set(one.page(at), one.page(to), true);
    // Of present pages the kernel knows, where it tracks them.
    if (unprotected && one.written && !(features & abi::FEATURE_WP_ASYNC)) {
      one.written->set(one.page(at), one.page(to), true);
      one.noticed = true;
    }
    at = to;
  }
}

/// Forgets faults that were handed on.
void Userfaults::answered(uint64_t start, uint64_t end) {
  const auto within = [&](const HandedFault& fault) { return fault.address >= start && fault.address < end; };
  taken_.erase(std::remove_if(taken_.begin(), taken_.end(), within), taken_.end());
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(), within), waiting_.end());
}

Installation Userfaults::install(Source source, uint64_t to, uint64_t from, uint64_t length, bool clean) {
  // Before: from the moment a page is there, whoever writes to it must be noticed.
  {
    const std::lock_guard lock(mutex_);
    notice(to, to + length, !clean || source == Source::Move);
  }
  // Not under the lock: the source may have faults of its own, which the handler serves.
  const Installation result = installPages(fd_.get(), source, to, from, length, clean);
  if (result.error != 0) return result;
  const std::lock_guard lock(mutex_);
  for (uint64_t at = to; at < to + length;) {
    const auto found = find(at);
    if (found == registrations_.end()) break;
    Registration& one = found->second;
    const uint64_t until = std::min(to + length, one.end);
    if (one.withheld) one.withheld->set(one.page(at), one.page(until), false);
    at = until;
  }
  answered(to, to + length);
  return result;
}

bool Userfaults::idle() {
  const std::lock_guard lock(mutex_);
  return closed_ || exiting_ || !failure_.empty();
}

std::vector<HandedFault> Userfaults::take(size_t most) {
  const std::lock_guard lock(mutex_);
  std::vector<HandedFault> out;
  while (!waiting_.empty() && out.size() < most) {
    out.push_back(waiting_.front());
    taken_.push_back(waiting_.front());
    waiting_.pop_front();
  }
  return out;
}

void Userfaults::nudge() { handedOn_.notify_all(); }

void Userfaults::wake(uint64_t start, uint64_t end) {
  const std::lock_guard lock(mutex_);
  answered(start, end);
  wakePages(fd_.get(), start, end - start);
}

std::string Userfaults::failure() {
  const std::lock_guard lock(mutex_);
  return failure_;
}

/// Ends all registrations. Under the lock.
void Userfaults::endAll(const std::string& why) {
  while (!registrations_.empty()) {
    const auto first = registrations_.begin();
    end(first, first->second.start, first->second.end);
  }
  failure_ = why;
  handedOn_.notify_all();
}

void Userfaults::close() {
  {
    const std::lock_guard lock(Everyone::get().mutex);
    Everyone::get().all.erase(this);
  }
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    endAll(failure_);
  }
  stop_ = true;
  const uint64_t one = 1;
  if (write(wake_.get(), &one, sizeof one) < 0) return;
  const std::lock_guard lock(threadMutex_);
  if (thread_.joinable()) thread_.join();
}

void Userfaults::exiting() {
  const std::lock_guard lock(mutex_);
  exiting_ = true;
  // Faults that nobody has read are nobody's to look through.
  if (direct_) endAll(failure_);
  for (const auto* faults : {&waiting_, &taken_}) {
    while (!faults->empty()) {
      const uint64_t address = faults->front().address;
      const auto found = find(address);
      if (found == registrations_.end())
        answered(address, address + 1);
      else
        end(found, found->second.start, found->second.end);
    }
  }
  handedOn_.notify_all();
}

void endAllFaults() {
  Everyone& everyone = Everyone::get();
  everyone.ending = true;
  const std::lock_guard lock(everyone.mutex);
  for (Userfaults* one : everyone.all) one->exiting();
}

bool processEnds() { return Everyone::get().ending; }

}  // namespace mirrorspace
