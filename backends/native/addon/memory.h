// Ranges of address space that the addon owns, apart from JavaScript: what Mapping stands for.
#pragma once
#include <napi.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "file-guard.h"

namespace mirrorspace {

class OwnedFd;

size_t pageSize();

/// A range of address space, given back when the last user of any of its addresses has gone.
class Reservation {
 public:
  Reservation(uint8_t* data, size_t length);
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;
  ~Reservation();

  uint8_t* const data;
  const size_t length;
};

/// A checked part of a Memory; `hold` keeps its addresses ours, whatever becomes of the Memory.
struct Span {
  std::shared_ptr<Reservation> hold;
  uint8_t* data = nullptr;
  size_t length = 0;

  uint64_t start() const { return reinterpret_cast<uint64_t>(data); }
  uint64_t end() const { return start() + length; }
};

/// Who must know before the pages of a range go: a userfaultfd with registrations in it.
class RangeWatcher {
 public:
  virtual ~RangeWatcher() = default;
  /// Forgets [start, end): wakes who waits there. Called with the Memory locked.
  virtual void forget(uint64_t start, uint64_t end) = 0;
};

/**
 * Address space with pages: private zero pages at first, parts of memfds where it was told so.
 * Its ArrayBuffers keep it. Once closed its addresses read as zeros until the last ArrayBuffer over them has been
 * collected.
 */
class Memory : public std::enable_shared_from_this<Memory> {
 public:
  /// Reserves `length` bytes: address space only, no memory is committed. @throws the errno of mmap
  static std::shared_ptr<Memory> reserve(Napi::Env env, size_t length);
  /// Maps what a driver has at `from`, which is the driver's to know: wherever there is room, so that a refusal leaves nothing behind.
  /// Whoever meets no page there ends the process, as with a file on a disk.
  static std::shared_ptr<Memory> mapDevice(Napi::Env env, size_t length, int file, uint64_t from);
  explicit Memory(std::shared_ptr<Reservation> space) : length(space->length), space_(std::move(space)) {}
  ~Memory() { close(); }

  const size_t length;

  /// The part [offset, offset + length). @throws RangeError outside of it; an Error CLOSED
  Span span(Napi::Env env, const char* call, uint64_t offset, uint64_t length);
  /// Runs `use(span)` while nobody can close or replace it. For short system calls only.
  template <typename Use>
  void whileOpen(Napi::Env env, const char* call, uint64_t offset, uint64_t length, Use use) {
    const std::lock_guard lock(mutex_);
    use(check(env, call, offset, length));
  }
  /// Has `watcher` told of what goes. Inside of `whileOpen` only.
  void watch(const std::weak_ptr<RangeWatcher>& watcher);

  /// Maps `length` bytes of a file from `from` at `offset`, in place of what was there. The file must be that long, and
  /// stay so.
  void mapFile(Napi::Env env, const char* call, uint64_t offset, uint64_t length, int file, uint64_t from);
  /// The same of a file on a disk, which may be shorter, or become so: whoever meets no page there ends the process. Where it is not `shared`,
  /// what is written stays here.
  void mapDisk(Napi::Env env, const char* call, uint64_t offset, uint64_t length, int file, uint64_t from, bool shared);
  /// Fresh zero pages in place of what was there.
  void mapZeros(Napi::Env env, const char* call, uint64_t offset, uint64_t length);
  /// Moves the pages of [offset, offset + length) to `into`; what was there goes, and the source is empty afterwards.
  void move(Napi::Env env, const char* call, uint64_t offset, uint64_t length, Memory& into, uint64_t intoOffset);

  void close();

 private:
  static std::shared_ptr<Memory> make(Napi::Env env, size_t length, int flags, int file, uint64_t from);
  Span check(Napi::Env env, const char* call, uint64_t offset, uint64_t length) const;
  void guard();
  void forget(const Span& span);
  void fix(Napi::Env env, const char* call, const Span& span, int flags, int file, uint64_t from);

  std::mutex mutex_;
  std::shared_ptr<Reservation> space_;
  std::vector<std::weak_ptr<RangeWatcher>> watchers_;
  /// Where files on disks and memory of devices are mapped.
  std::unique_ptr<FileGuard> guard_;
};

}  // namespace mirrorspace
