// The thread that serves faults.
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>

#include "fault/userfaults.h"
#include "futex.h"

namespace mirrorspace {

/// Messages read at once.
constexpr size_t BATCH = 16;

constexpr int64_t SLICE_MS = 20;

static uint64_t now() {
  const timespec at = deadlineIn(0);
  return static_cast<uint64_t>(at.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(at.tv_nsec);
}

void Userfaults::serve() {
  const std::lock_guard lock(threadMutex_);
  if (thread_.joinable() || stop_) return;
  // Signals are for Node's threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this]() { run(); });
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

/// How often the thread looks where it does not read faults, in milliseconds.
constexpr int LOOK_MS = 250;

/// Nothing stops accesses to withheld pages then.
constexpr char CLOSED_BY_OTHERS[] = "the descriptor of its userfaultfd was closed by somebody else";

void Userfaults::run() {
  pthread_setname_np(pthread_self(), "mirror-faults");
  int pollMs = -1;
  while (!stop_) {
    // What nobody has read for so long it reads after all: then it is known how long it waits.
    if (direct_) pollMs = pollMs < 0 ? LOOK_MS : std::min(pollMs, LOOK_MS);
    pollfd polled[2] = {{direct_ ? -1 : fd_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    const int ready = poll(polled, 2, pollMs);
    if (stop_) break;
    if (ready > 0 && (polled[0].revents & POLLNVAL)) {
      const std::lock_guard lock(mutex_);
      giveUp(CLOSED_BY_OTHERS);
      break;
    }
    if (direct_ || (ready > 0 && (polled[0].revents & POLLIN))) readFaults();
    if (impatient(pollMs)) break;
  }
}

/// Reads the faults that there are, and serves them or gives them to JavaScript. Does not wait.
void Userfaults::readFaults() {
  uffd_msg messages[BATCH];
  const ssize_t bytes = read(fd_.get(), messages, sizeof messages);
  // What is read is not a userfaultfd, then: another file may have its number by now.
  if (bytes < 0 ? errno != EAGAIN && errno != EINTR : bytes % sizeof(uffd_msg) != 0) {
    const std::lock_guard lock(mutex_);
    giveUp(CLOSED_BY_OTHERS);
    return;
  }
  for (size_t i = 0; bytes > 0 && i < static_cast<size_t>(bytes) / sizeof(uffd_msg); i++) {
    const uffd_msg& message = messages[i];
    if (message.event != UFFD_EVENT_PAGEFAULT) continue;
    handle(message.arg.pagefault.address, message.arg.pagefault.flags, message.arg.pagefault.feat.ptid);
  }
}

bool Userfaults::await(const timespec& deadline, const std::atomic<bool>& cancelled) {
  // steady_clock is CLOCK_MONOTONIC.
  const auto until = std::chrono::steady_clock::time_point(std::chrono::seconds(deadline.tv_sec) +
                                                           std::chrono::nanoseconds(deadline.tv_nsec));
  const auto over = [&]() { return !waiting_.empty() || closed_ || exiting_ || !failure_.empty() || cancelled; };
  std::unique_lock lock(mutex_);
  if (!direct_) return handedOn_.wait_until(lock, until, over) && !waiting_.empty();
  while (!over()) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left.count() <= 0) break;
    lock.unlock();
    pollfd polled[2] = {{fd_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    // In slices, since nothing that it polls tells of a cancellation.
    if (poll(polled, 2, static_cast<int>(std::min<int64_t>(ms, SLICE_MS))) > 0) readFaults();
    lock.lock();
  }
  return !waiting_.empty();
}

void Userfaults::handle(uint64_t address, uint64_t flags, uint64_t thread) {
  address -= address % pageSize();
  const std::lock_guard lock(mutex_);
  counters.faults++;
  const auto found = find(address);
  // Its registration ended meanwhile, which woke the thread.
  if (found == registrations_.end()) return;
  Registration& one = found->second;
  if (flags & UFFD_PAGEFAULT_FLAG_WP) {
    counters.writes++;
    if (one.written) {
      one.written->set(one.page(address), one.page(address) + 1, true);
      one.noticed = true;
    }
    uffdio_writeprotect arg{{address, pageSize()}, 0};
    if (ioctl(fd_.get(), UFFDIO_WRITEPROTECT, &arg) != 0) wakePages(fd_.get(), address, pageSize());
    return;
  }
  if (one.source == Source::JavaScript || (one.withheld && one.withheld->get(one.page(address)))) {
    hand(one, address, flags, thread);
  } else {
    bring(one, address, flags, thread);
  }
}

/// Brings the page, and some behind it.
void Userfaults::bring(Registration& one, uint64_t address, uint64_t flags, uint64_t thread) {
  const uint64_t page = one.page(address);
  const uint64_t asked = one.streams.window(page, one.least, one.most);
  const uint64_t last = std::min(page + asked, one.page(one.end));
  const uint64_t count = one.withheld->next(page, last, true) - page;
  if (count != asked) one.streams.brought(page, asked, count);
  const bool clean = one.clean && one.source != Source::Move;
  notice(address, address + count * pageSize(), !clean);
  const uint64_t from = one.from.data ? one.from.start() + (address - one.origin) : 0;
  Installation result = installPages(fd_.get(), one.source, address, from, count * pageSize(), clean);
  // Behind the page itself something refused: that page is all that anybody waits for.
  if (result.error != 0 && result.installed + result.present > 0) result.error = 0;
  counters.installed += result.installed / pageSize();
  counters.present += result.present / pageSize();
  if (result.error == 0 || result.error == ENOENT || result.error == ESRCH) return;
  counters.failed++;
  hand(one, address, flags, thread);
}

/// Gives a fault to JavaScript.
void Userfaults::hand(const Registration& one, uint64_t address, uint64_t flags, uint64_t thread) {
  if (exiting_) {
    end(registrations_.find(one.start), one.start, one.end);
    return;
  }
  counters.handed++;
  waiting_.push_back({address, one.token, address - one.mapped, flags, thread, now()});
  handedOn_.notify_one();
}

/// Whether a fault waits longer than it may; else when to look again.
bool Userfaults::impatient(int& pollMs) {
  std::unique_lock lock(mutex_);
  uint64_t oldest = UINT64_MAX;
  for (const auto* faults : {&waiting_, &taken_}) {
    for (const HandedFault& fault : *faults) oldest = std::min(oldest, fault.since);
  }
  pollMs = -1;
  if (oldest == UINT64_MAX) return false;
  const uint64_t waited = now() - oldest;
  if (waited < patienceNs_) {
    pollMs = static_cast<int>(std::min<uint64_t>((patienceNs_ - waited) / 1'000'000 + 1, INT_MAX));
    return false;
  }
  giveUp("an access waited " + std::to_string(patienceNs_ / 1'000'000) +
         " ms for JavaScript to bring its page; the worker that serves faults ended, or hangs");
  return false;
}

/// Ends the process, or all registrations where it may not.
void Userfaults::giveUp(const std::string& why) {
  if (exits_) {
    fprintf(stderr, "mirrorspace: %s. Without the page's content the thread cannot go on, so the process ends.\n",
            why.c_str());
    _exit(70);
  }
  endAll(why);
}

}  // namespace mirrorspace
