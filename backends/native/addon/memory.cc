#include "memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <fstream>

#include "errors.h"

namespace mirrorspace {

constexpr int ACCESS = PROT_READ | PROT_WRITE;
constexpr int ZEROS = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

size_t pageSize() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

// A child between fork and exec needs none of it, and copying page tables of gigabytes takes its time.
static void keepFromForks(uint8_t* data, size_t length) { madvise(data, length, MADV_DONTFORK); }

static std::atomic<int64_t> reservations{0};

/// Most mappings of a process that are ours. V8 ends the process when it is refused one of its own: an eighth is left to everybody else.
static int64_t mostReservations() {
  static const int64_t most = [] {
    int64_t system = 0;
    std::ifstream("/proc/sys/vm/max_map_count") >> system;
    return (system > 0 ? system : 65530) / 8 * 7;
  }();
  return most;
}

Reservation::Reservation(uint8_t* data, size_t length) : data(data), length(length) { reservations++; }

Reservation::~Reservation() {
  munmap(data, length);
  reservations--;
}

std::shared_ptr<Memory> Memory::make(Napi::Env env, size_t length, int flags, int file, uint64_t from) {
  if (reservations >= mostReservations()) {
    throwErrno(env, ENOMEM, "mmap",
               "the process has " + std::to_string(reservations) + " Mappings, about as many as the system allows " +
                   "(sysctl vm.max_map_count); unmap some, or make fewer that are larger");
  }
  void* data = mmap(nullptr, length, ACCESS, flags, file, static_cast<off_t>(from));
  if (data == MAP_FAILED) throwErrno(env, errno, "mmap", std::to_string(length) + " bytes");
  keepFromForks(static_cast<uint8_t*>(data), length);
  return std::make_shared<Memory>(std::make_shared<Reservation>(static_cast<uint8_t*>(data), length));
}

std::shared_ptr<Memory> Memory::reserve(Napi::Env env, size_t length) { return make(env, length, ZEROS, -1, 0); }

std::shared_ptr<Memory> Memory::mapDevice(Napi::Env env, size_t length, int file, uint64_t from) {
  auto memory = make(env, length, MAP_SHARED, file, from);
  memory->guard();
  return memory;
}

void Memory::guard() {
  const Span all{space_, space_->data, length};
  if (!guard_) guard_ = std::make_unique<FileGuard>(all.start(), all.end());
}

Span Memory::check(Napi::Env env, const char* call, uint64_t offset, uint64_t size) const {
  if (!space_) throwCode(env, "CLOSED", std::string(call) + ": the Mapping was closed");
  if (offset > length || size > length - offset) {
    throwRange(env, std::string(call) + ": [" + std::to_string(offset) + ", " + std::to_string(offset + size) +
                        ") is not within the mapping's " + std::to_string(length) + " bytes");
  }
  return Span{space_, space_->data + offset, size};
}

Span Memory::span(Napi::Env env, const char* call, uint64_t offset, uint64_t size) {
  const std::lock_guard lock(mutex_);
  return check(env, call, offset, size);
}

void Memory::watch(const std::weak_ptr<RangeWatcher>& watcher) {
  const auto same = [&](const std::weak_ptr<RangeWatcher>& other) {
    return !other.owner_before(watcher) && !watcher.owner_before(other);
  };
  for (auto at = watchers_.begin(); at != watchers_.end();) {
    if (same(*at)) return;
    at = at->expired() ? watchers_.erase(at) : std::next(at);
  }
  watchers_.push_back(watcher);
}

void Memory::forget(const Span& span) {
  for (const auto& weak : watchers_) {
    if (const auto watcher = weak.lock()) watcher->forget(span.start(), span.end());
  }
}

void Memory::fix(Napi::Env env, const char* call, const Span& span, int flags, int file, uint64_t from) {
  void* data = mmap(span.data, span.length, ACCESS, flags | MAP_FIXED, file, static_cast<off_t>(from));
  if (data == MAP_FAILED) throwErrno(env, errno, call, std::to_string(span.length) + " bytes");
  keepFromForks(span.data, span.length);
  // Afterwards: who waits for a page there is woken by it, and must not see what was there.
  forget(span);
}

void Memory::mapFile(Napi::Env env, const char* call, uint64_t offset, uint64_t size, int file, uint64_t from) {
  const std::lock_guard lock(mutex_);
  fix(env, call, check(env, call, offset, size), MAP_SHARED | MAP_NORESERVE, file, from);
}

void Memory::mapDisk(Napi::Env env, const char* call, uint64_t offset, uint64_t size, int file, uint64_t from, bool shared) {
  const std::lock_guard lock(mutex_);
  const Span span = check(env, call, offset, size);
  guard();
  fix(env, call, span, (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_NORESERVE, file, from);
}

void Memory::mapZeros(Napi::Env env, const char* call, uint64_t offset, uint64_t size) {
  const std::lock_guard lock(mutex_);
  fix(env, call, check(env, call, offset, size), ZEROS, -1, 0);
}

void Memory::move(Napi::Env env, const char* call, uint64_t offset, uint64_t size, Memory& into, uint64_t intoOffset) {
  std::unique_lock lock(mutex_, std::defer_lock), other(into.mutex_, std::defer_lock);
  if (this == &into) {
    lock.lock();
  } else {
    std::lock(lock, other);
  }
  const Span from = check(env, call, offset, size);
  if (guard_) throwCode(env, "UNSUPPORTED", std::string(call) + ": pages of a file on a disk, or of a device, stay where they are");
  const Span to = into.check(env, call, intoOffset, size);
  if (from.start() < to.end() && to.start() < from.end()) {
    throwRange(env, std::string(call) + ": source and destination overlap");
  }
  // The source keeps its mapping, so that no other thread ever meets a hole there. The kernel unmaps a given
  // destination before it looks at the source: so the pages go to a free place first, where whatever it refuses leaves
  // all as it was.
  void* between = mremap(from.data, from.length, from.length, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, nullptr);
  if (between == MAP_FAILED) throwErrno(env, errno, call, std::to_string(size) + " bytes");
  into.forget(to);
  if (mremap(between, to.length, to.length, MREMAP_MAYMOVE | MREMAP_FIXED, to.data) == MAP_FAILED) {
    const int error = errno;
    mmap(to.data, to.length, ACCESS, ZEROS | MAP_FIXED_NOREPLACE, -1, 0);
    mremap(between, to.length, to.length, MREMAP_MAYMOVE | MREMAP_FIXED, from.data);
    throwErrno(env, error, call, std::to_string(size) + " bytes");
  }
  keepFromForks(to.data, to.length);
}

void Memory::close() {
  const std::lock_guard lock(mutex_);
  if (!space_) return;
  const Span all{space_, space_->data, length};
  // ArrayBuffers over it, calls under way, and whoever waits for a page there, go on to read addresses that are ours: zeros.
  if (space_.use_count() > 2 && mmap(all.data, all.length, ACCESS, ZEROS | MAP_FIXED, -1, 0) != MAP_FAILED) {
    keepFromForks(all.data, all.length);
  }
  forget(all);
  guard_.reset();
  space_.reset();
}

}  // namespace mirrorspace
