#include "fault/userfault.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "arguments.h"
#include "futex.h"
#include "kernel-abi.h"
#include "mapping.h"
#include "patience.h"
#include "wait-pool.h"

namespace mirrorspace {

// No events: whoever unmaps or forks would wait for us. No SIGBUS: an access would be a crash.
constexpr uint64_t FEATURES = UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_THREAD_ID |
                              UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_EXACT_ADDRESS | UFFD_FEATURE_WP_HUGETLBFS_SHMEM |
                              abi::FEATURE_WP_UNPOPULATED | abi::FEATURE_WP_ASYNC | abi::FEATURE_MOVE;

void Userfault::init(Napi::Env env, Napi::Object exports) {
  define(env, exports, "Userfault",
         {
             StaticMethod<&Userfault::open>("open"),
             StaticMethod<&Userfault::kernelFeatures>("kernelFeatures"),
             InstanceMethod<&Userfault::counters>("counters"),
             InstanceMethod<&Userfault::registerRange>("register"),
             InstanceMethod<&Userfault::unregister>("unregister"),
             InstanceMethod<&Userfault::copy>("copy"),
             InstanceMethod<&Userfault::resume>("continue"),
             InstanceMethod<&Userfault::zero>("zero"),
             InstanceMethod<&Userfault::move>("move"),
             InstanceMethod<&Userfault::protect>("protect"),
             InstanceMethod<&Userfault::withhold>("withhold"),
             InstanceMethod<&Userfault::withholdPages>("withholdPages"),
             InstanceMethod<&Userfault::restorePages>("restorePages"),
             InstanceMethod<&Userfault::forgetPages>("forgetPages"),
             InstanceMethod<&Userfault::takeWritten>("takeWritten"),
             InstanceMethod<&Userfault::wake>("wake"),
             InstanceMethod<&Userfault::wait>("wait"),
             InstanceMethod<&Userfault::ready>("ready"),
             InstanceMethod<&Userfault::close>("close"),
         },
         {getter<&Userfault::features>("features"), getter<&Userfault::userModeOnly>("userModeOnly"),
          getter<&Userfault::failure>("failure")});
}

/// A userfaultfd: for faults of the kernel, too, where that is permitted, unless `userModeOnly`. Returns it, or none
/// with errno.
static OwnedFd openFd(bool& userModeOnly) {
  constexpr int flags = O_CLOEXEC | O_NONBLOCK;
  if (!userModeOnly) {
    OwnedFd full(static_cast<int>(syscall(SYS_userfaultfd, flags)));
    if (full) return full;
    const OwnedFd device(::open("/dev/userfaultfd", O_RDWR | O_CLOEXEC));
    if (device) {
      OwnedFd made(ioctl(device.get(), abi::NEW, flags));
      if (made) return made;
    }
    userModeOnly = true;
  }
  return OwnedFd(static_cast<int>(syscall(SYS_userfaultfd, flags | UFFD_USER_MODE_ONLY)));
}

Napi::Value Userfault::open(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "Userfault.open");
  uffdio_api api{UFFD_API, arguments.integer(0, "features"), 0};
  if (api.features & ~FEATURES) arguments.outside("features", "of those in `UffdFeature`");
  bool userModeOnly = arguments.boolean(1, "userModeOnly", false);
  const uint64_t patience = arguments.integer(2, "patienceMs", 600'000, 1, 30'000);
  const bool exits = arguments.boolean(3, "exits", true);
  const bool thread = arguments.boolean(4, "thread", true);
  OwnedFd fd = openFd(userModeOnly);
  if (!fd) throwErrno(info.Env(), errno, "userfaultfd");
  const uint64_t features = api.features;
  if (ioctl(fd.get(), UFFDIO_API, &api) != 0)
    throwErrno(info.Env(), errno, "UFFDIO_API", "features " + std::to_string(features));
  return make(info.Env(),
              std::make_shared<Userfaults>(std::move(fd), features, userModeOnly, patience, exits, !thread));
}

Napi::Value Userfault::kernelFeatures(const Napi::CallbackInfo& info) {
  bool userModeOnly = false;
  const OwnedFd fd = openFd(userModeOnly);
  if (!fd) throwErrno(info.Env(), errno, "userfaultfd");
  uffdio_api api{UFFD_API, 0, 0};
  if (ioctl(fd.get(), UFFDIO_API, &api) != 0) throwErrno(info.Env(), errno, "UFFDIO_API");
  return Napi::Number::New(info.Env(), static_cast<double>(api.features));
}

Napi::Value Userfault::features(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(core("features")->features));
}

Napi::Value Userfault::userModeOnly(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), core("userModeOnly")->userModeOnly);
}

Napi::Value Userfault::failure(const Napi::CallbackInfo& info) {
  const std::string why = core("failure")->failure();
  return why.empty() ? info.Env().Undefined() : Napi::String::New(info.Env(), why);
}

Napi::Value Userfault::counters(const Napi::CallbackInfo& info) {
  const auto faults = core("counters");
  Napi::Object out = Napi::Object::New(info.Env());
  const auto put = [&](const char* name, uint64_t value) {
    out.Set(name, Napi::Number::New(info.Env(), static_cast<double>(value)));
  };
  put("faults", faults->counters.faults);
  put("installed", faults->counters.installed);
  put("present", faults->counters.present);
  put("writes", faults->counters.writes);
  put("handed", faults->counters.handed);
  put("failed", faults->counters.failed);
  return out;
}

/// The core, unless it gave up.
std::shared_ptr<Userfaults> Userfault::serving(const char* call) {
  auto faults = core(call);
  const std::string why = faults->failure();
  if (!why.empty()) throwCode(Env(), "DEVICE_TIMEOUT", std::string(call) + ": " + why);
  return faults;
}

/// Arguments 0 to 2: a mapping and a part of it.
static Span target(const Arguments& arguments) {
  const auto memory = arguments.handle<Mapping>(0, "mapping");
  const uint64_t offset = arguments.pages(1, "offset");
  return memory->span(arguments.env(), arguments.call(), offset, arguments.pages(2, "length", pageSize()));
}

Napi::Value Userfault::unregister(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "unregister");
  const auto faults = core("unregister");
  const Span span = target(arguments);
  faults->forget(span.start(), span.end());
  return info.Env().Undefined();
}

Napi::Value Userfault::install(const Arguments& arguments, const char* ioctl, Source source, const Span& to,
                               const Span& from, bool clean) {
  const auto faults = core(arguments.call());
  if (from.data && faults->faults(from.start(), from.end())) {
    arguments.outside("from", "memory without faults that are served here");
  }
  const Installation result = faults->install(source, to.start(), from.start(), to.length, clean);
  if (result.error != 0) {
    throwErrno(Env(), result.error, ioctl,
               std::to_string(result.installed) + " of " + std::to_string(to.length) + " bytes done");
  }
  return Napi::Number::New(Env(), static_cast<double>(result.installed));
}

Napi::Value Userfault::copy(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "copy");
  const Span to = target(arguments);
  const bool clean = arguments.boolean(5, "clean", false);
  return install(arguments, "UFFDIO_COPY", Source::Copy, to, spanOf(arguments, 3, "from", 4, to.length), clean);
}

Napi::Value Userfault::resume(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "continue");
  const Span to = target(arguments);
  return install(arguments, "UFFDIO_CONTINUE", Source::Continue, to, Span{}, arguments.boolean(3, "clean", false));
}

Napi::Value Userfault::zero(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "zero");
  const Span to = target(arguments);
  return install(arguments, "UFFDIO_ZEROPAGE", Source::Zeros, to, Span{}, arguments.boolean(3, "clean", false));
}

Napi::Value Userfault::move(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "move");
  const auto faults = core("move");
  const Span to = target(arguments);
  const auto memory = arguments.handle<Mapping>(3, "from");
  const Span from = memory->span(info.Env(), "move", arguments.pages(4, "fromOffset"), to.length);
  if (from.start() < to.end() && to.start() < from.end()) arguments.outside("from", "apart from where it goes");
  const Installation result = faults->install(Source::Move, to.start(), from.start(), to.length, false);
  if (result.error != 0) {
    throwErrno(info.Env(), result.error, "UFFDIO_MOVE",
               std::to_string(result.installed) + " of " + std::to_string(to.length) + " bytes done");
  }
  return Napi::Number::New(info.Env(), static_cast<double>(result.installed));
}

Napi::Value Userfault::protect(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "protect");
  const auto faults = core("protect");
  const Span span = target(arguments);
  const int error = faults->protect(span.start(), span.end(), arguments.boolean(3, "on", true));
  if (error != 0) throwErrno(info.Env(), error, "UFFDIO_WRITEPROTECT");
  return info.Env().Undefined();
}

Napi::Value Userfault::withhold(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "withhold");
  const auto faults = core("withhold");
  const Span span = target(arguments);
  const int error = faults->withhold(span.start(), span.end());
  if (error == ENOENT) arguments.outside("the range", "registered for missing pages or minor faults");
  if (error != 0) throwErrno(info.Env(), error, "madvise");
  return info.Env().Undefined();
}

/**
 * Calls `use(start, end)` for runs of a list of pages: (mapping, pages, from, count, first, unit) stands for elements [from, from + count) of `pages`,
 * each the `unit` bytes that begin (page - first) * unit after the start of the mapping. Nothing is called when one lies outside.
 */
template <typename Use>
static void eachRun(const Arguments& arguments, Use use) {
  const auto memory = arguments.handle<Mapping>(0, "mapping");
  const Napi::Value list = arguments.at(1);
  if (!list.IsTypedArray() || list.As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) arguments.wrong("pages", "an Uint32Array");
  const uint64_t from = arguments.integer(2, "from", uint64_t{1} << 32);
  const uint64_t count = arguments.integer(3, "count", uint64_t{1} << 32);
  const auto* pages = reinterpret_cast<const uint32_t*>(arguments.bytes(1, "pages", (from + count) * 4).data) + from;
  const uint64_t first = arguments.integer(4, "first", UINT32_MAX);
  const uint64_t unit = arguments.pages(5, "unit", pageSize());
  // Kept from call to call: no call but the largest allocates. Copied, as the list may be shared, and somebody may change it meanwhile.
  static thread_local std::vector<uint32_t> sorted;
  sorted.assign(pages, pages + count);
  if (!std::is_sorted(sorted.begin(), sorted.end())) std::sort(sorted.begin(), sorted.end());
  if (count == 0) return;
  if (sorted.front() < first) arguments.outside("pages", "not before the first");
  const Span span = memory->span(arguments.env(), arguments.call(), 0, (sorted.back() - first + uint64_t{1}) * unit);
  for (uint64_t i = 0; i < count;) {
    const uint32_t page = sorted[i];
    uint32_t last = page;
    while (++i < count && sorted[i] - last <= 1) last = sorted[i];
    use(span.start() + (page - first) * unit, span.start() + (last - first + uint64_t{1}) * unit);
  }
}

Napi::Value Userfault::withholdPages(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "withholdPages");
  const auto faults = core("withholdPages");
  eachRun(arguments, [&](uint64_t start, uint64_t end) {
    const int error = faults->withhold(start, end);
    if (error == ENOENT) arguments.outside("pages", "registered for missing pages or minor faults");
    if (error != 0) throwErrno(info.Env(), error, "withholdPages");
  });
  return info.Env().Undefined();
}

Napi::Value Userfault::restorePages(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "restorePages");
  const auto faults = core("restorePages");
  eachRun(arguments, [&](uint64_t start, uint64_t end) { faults->restore(start, end); });
  return info.Env().Undefined();
}

Napi::Value Userfault::forgetPages(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "forgetPages");
  const auto faults = core("forgetPages");
  eachRun(arguments, [&](uint64_t start, uint64_t end) { faults->forgetWritten(start, end); });
  return info.Env().Undefined();
}

/// Numbers before the first run, as of pagemapScan.
constexpr size_t HEADER = 3;

Napi::Value Userfault::takeWritten(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "takeWritten");
  const auto faults = core("takeWritten");
  const Span span = target(arguments);
  double* out = arguments.doubles(3, "out", HEADER + 3);
  const size_t most = (arguments.bytes(3, "out").length / 8 - HEADER) / 3;
  // Not `out` itself: it may have faults that wait for the lock. Kept from call to call.
  static thread_local std::vector<abi::page_region> runs;
  if (runs.size() < most) runs.resize(most);
  size_t count = 0;
  uint64_t stopped = 0;
  const int error = faults->takeWritten(span.start(), span.end(), runs.data(), most, count, stopped);
  if (error == ENOENT) arguments.outside("the range", "registered for writes");
  if (error != 0) throwErrno(info.Env(), error, "takeWritten");
  const uint64_t base = span.start() - arguments.integer(1, "offset");
  uint64_t pages = 0;
  for (size_t i = 0; i < count; i++) {
    double* at = out + HEADER + i * 3;
    const abi::page_region& run = runs[i];
    pages += (run.end - run.start) / pageSize();
    at[0] = static_cast<double>(run.start - base);
    at[1] = static_cast<double>(run.end - base);
    at[2] = 0;
  }
  out[0] = static_cast<double>(count);
  out[1] = static_cast<double>(pages);
  out[2] = static_cast<double>(stopped - base);
  return Napi::Number::New(info.Env(), static_cast<double>(count));
}

Napi::Value Userfault::wake(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "wake");
  const auto faults = core("wake");
  const Span span = target(arguments);
  faults->wake(span.start(), span.end());
  return info.Env().Undefined();
}

/// Numbers of a fault in `wait`'s array: token, offset, flags, thread.
constexpr size_t NUMBERS = 4;

Napi::Value Userfault::wait(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "wait");
  const auto faults = serving("wait");
  double* out = arguments.doubles(0, "out", NUMBERS);
  const size_t most = arguments.bytes(0, "out").length / 8 / NUMBERS;
  const timespec deadline = deadlineIn(static_cast<double>(arguments.integer(1, "timeoutMs", LONGEST_WAIT_MS)));
  static const std::atomic<bool> never{false};
  blockInSlices(info.Env(), deadline,
                [&](const timespec& slice) { return faults->await(slice, never) || faults->idle(); });
  const auto taken = faults->take(most);
  for (size_t i = 0; i < taken.size(); i++) {
    out[i * NUMBERS] = taken[i].token;
    out[i * NUMBERS + 1] = static_cast<double>(taken[i].offset);
    out[i * NUMBERS + 2] = static_cast<double>(taken[i].flags);
    out[i * NUMBERS + 3] = static_cast<double>(taken[i].thread);
  }
  return Napi::Number::New(info.Env(), static_cast<double>(taken.size()));
}

Napi::Value Userfault::ready(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "ready");
  const auto faults = serving("ready");
  const timespec deadline = deadlineIn(static_cast<double>(arguments.integer(0, "timeoutMs", LONGEST_WAIT_MS)));
  auto [promise, pending] = Instance::of(info.Env()).promises->start(info.Env(), arguments.boolean(1, "keepsAlive", true));
  const auto run = [faults, deadline, pending = pending](Wait& wait) {
    const bool any = faults->await(deadline, wait.flag());
    pending->resolve([any](Napi::Env env) -> Napi::Value { return Napi::Boolean::New(env, any); });
  };
  startWait(info.Env(), pending, run, [faults]() { faults->nudge(); });
  return promise;
}

Napi::Value Userfault::close(const Napi::CallbackInfo& info) {
  if (core_) core_->close();
  core_.reset();
  return info.Env().Undefined();
}

}  // namespace mirrorspace
