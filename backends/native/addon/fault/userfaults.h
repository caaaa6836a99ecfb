// A userfaultfd apart from JavaScript: its registrations, and who serves their faults.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "fault/install.h"
#include "fault/page-bits.h"
#include "fault/streams.h"
#include "kernel-abi.h"
#include "memory.h"
#include "owned-fd.h"

namespace mirrorspace {

/// What a registered range is, and where its pages come from.
struct Registration {
  uint64_t start = 0;
  uint64_t end = 0;
  /// Start of what was registered in one call: page 0 of the bits and of the source.
  uint64_t origin = 0;
  /// Address of the mapping's offset 0.
  uint64_t mapped = 0;
  /// The caller's name for it.
  double token = 0;
  /// UFFDIO_REGISTER_MODE_*
  uint64_t mode = 0;
  /// Its missing pages are the kernel's business until some are withheld.
  bool lazy = false;
  std::shared_ptr<Reservation> hold;
  Source source = Source::JavaScript;
  Span from;
  bool clean = false;
  uint32_t least = 1;
  uint32_t most = 1;
  std::shared_ptr<PageBits> withheld;
  /// Written pages that the kernel knows nothing of any more (or, without FEATURE_WP_ASYNC, never does).
  std::shared_ptr<PageBits> written;
  /// Pages that were brought and not withheld since, where the kernel tracks writes: it forgets those of entries that go.
  std::shared_ptr<PageBits> shown;
  /// Whether any bit of `written` may be set.
  bool noticed = false;
  Streams streams;

  uint64_t page(uint64_t address) const { return (address - origin) / pageSize(); }
};

/// A fault that JavaScript is to serve.
struct HandedFault {
  uint64_t address = 0;
  double token = 0;
  uint64_t offset = 0;
  uint64_t flags = 0;
  uint64_t thread = 0;
  uint64_t since = 0;
};

struct FaultCounters {
  std::atomic<uint64_t> faults{0}, installed{0}, present{0}, writes{0}, handed{0}, failed{0};
};

class Userfaults final : public RangeWatcher, public std::enable_shared_from_this<Userfaults> {
 public:
  /// @param patienceMs How long a fault that JavaScript is to serve may wait.
  /// @param exits Whether the process ends when one waited longer; else all registrations do.
  /// @param direct Whether who waits in `await` reads faults itself; the thread only looks whether somebody does.
  Userfaults(OwnedFd fd, uint64_t features, bool userModeOnly, uint64_t patienceMs, bool exits, bool direct);
  ~Userfaults() override { close(); }

  const uint64_t features;
  const bool userModeOnly;
  FaultCounters counters;

  /// Starts the handler thread where it does not run yet. @throws std::system_error
  void serve();
  /// Registers, under the lock of its Memory. Returns 0 or an errno; EEXIST: some of it is registered; EDEADLK: a
  /// source of pages has faults that are served, too, here or by another userfaultfd.
  int add(Registration registration);
  void forget(uint64_t start, uint64_t end) override;
  /// Whether any of it is registered for faults of missing pages.
  bool faults(uint64_t start, uint64_t end);

  /// Makes pages present; they are not withheld any more.
  Installation install(Source source, uint64_t to, uint64_t from, uint64_t length, bool clean);
  /// Takes pages out of the mapping, and hands faults on them to JavaScript from now on. 0 or an errno; ENOENT: not all
  /// is registered.
  int withhold(uint64_t start, uint64_t end);
  /// Ends that: who waits gets its page, others when they come.
  void restore(uint64_t start, uint64_t end);
  /// Forgets that pages were written that are about to go.
  void forgetWritten(uint64_t start, uint64_t end);
  /// Write-protects, or ends that. 0 or an errno.
  int protect(uint64_t start, uint64_t end, bool on);
  /// Runs of pages in [start, end) that were written: they are protected again. Stops when `out` is full.
  int takeWritten(uint64_t start, uint64_t end, abi::page_region* out, size_t most, size_t& runs, uint64_t& stopped);

  /// Waits until there are faults for JavaScript, and says so; false: the deadline, cancelled, or it was closed.
  bool await(const timespec& deadline, const std::atomic<bool>& cancelled);
  /// Whether there will be none: it was closed, gave up, or the process ends.
  bool idle();
  /// Faults for JavaScript, oldest first, at most `most`.
  std::vector<HandedFault> take(size_t most);
  /// Has those who wait in `take` look again.
  void nudge();
  /// Lets who waits for the pages try again.
  void wake(uint64_t start, uint64_t end);

  /// Why it serves no more; empty while it does.
  std::string failure();
  /// Ends all registrations: who waits for a page goes on with what memory has there.
  void close();
  /// Nobody serves what JavaScript would, as the process ends: such faults end their registration.
  void exiting();

  int fd() const { return fd_.get(); }

 private:
  using Registrations = std::map<uint64_t, Registration>;
  void run();
  void readFaults();
  void handle(uint64_t address, uint64_t flags, uint64_t thread);
  void bring(Registration& registration, uint64_t address, uint64_t flags, uint64_t thread);
  void hand(const Registration& registration, uint64_t address, uint64_t flags, uint64_t thread);
  void answered(uint64_t start, uint64_t end);
  bool impatient(int& pollMs);
  void end(Registrations::iterator at, uint64_t start, uint64_t end);
  void endAll(const std::string& why);
  void giveUp(const std::string& why);
  Registrations::iterator find(uint64_t address);
  Registrations::iterator from(uint64_t address);
  void notice(uint64_t start, uint64_t end, bool unprotected);
  int noteVanished(Registration& registration, uint64_t start, uint64_t end);
  int takeOut(Registration& registration, uint64_t start, uint64_t end);
  int askKernel(Registration& registration, uint64_t start, uint64_t end);
  int takeNoticed(Registration& registration, uint64_t start, uint64_t end, abi::page_region* out, size_t most, size_t& runs,
                  uint64_t& stopped);
  bool feeds(uint64_t start, uint64_t end);
  static bool wouldWaitForItself(const Registration& registration);

  const OwnedFd fd_;
  const OwnedFd wake_;
  const uint64_t patienceNs_;
  const bool exits_;
  const bool direct_;
  std::mutex mutex_;
  std::condition_variable handedOn_;
  Registrations registrations_;
  /// Whether any was ever served from other memory.
  bool sourced_ = false;
  /// Not taken by JavaScript yet, and taken but not answered.
  std::deque<HandedFault> waiting_;
  std::deque<HandedFault> taken_;
  std::string failure_;
  std::atomic<bool> stop_{false};
  bool closed_ = false;
  bool exiting_ = false;
  std::mutex threadMutex_;
  std::thread thread_;
};

/// Whether pages may leave memory behind our back.
bool swaps();

/// Tells all that the process ends: waits end, and nobody stays in a fault.
void endAllFaults();
/// Whether that was told.
bool processEnds();

}  // namespace mirrorspace
