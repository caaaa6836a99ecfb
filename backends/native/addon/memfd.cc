#include "memfd.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "arguments.h"
#include "memory.h"

namespace mirrorspace {

void Memfd::init(Napi::Env env, Napi::Object exports) {
  define(env, exports, "Memfd",
         {
             StaticMethod<&Memfd::create>("create"),
             InstanceMethod<&Memfd::grow>("grow"),
             InstanceMethod<&Memfd::punch>("punch"),
             InstanceMethod<&Memfd::data>("data"),
             InstanceMethod<&Memfd::close>("close"),
         },
         {getter<&Memfd::length>("length"), getter<&Memfd::committed>("committed")});
}

static void resize(Napi::Env env, int fd, uint64_t length) {
  // Beyond this limit the kernel does not only refuse, it sends SIGXFSZ.
  rlimit limit{};
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && length > limit.rlim_cur) {
    throwErrno(env, EFBIG, "ftruncate", std::to_string(length) + " bytes, RLIMIT_FSIZE");
  }
  if (ftruncate(fd, static_cast<off_t>(length)) != 0)
    throwErrno(env, errno, "ftruncate", std::to_string(length) + " bytes");
}

Napi::Value Memfd::create(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "Memfd.create");
  const uint64_t length = arguments.pages(0, "length", pageSize());
  OwnedFd fd(memfd_create("mirrorspace", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) throwErrno(info.Env(), errno, "memfd_create");
  resize(info.Env(), fd.get(), length);
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) != 0) throwErrno(info.Env(), errno, "F_ADD_SEALS");
  return make(info.Env(), std::make_shared<MemoryFile>(std::move(fd), length));
}

Napi::Value Memfd::length(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), core_ ? static_cast<double>(core_->length.load()) : 0);
}

Napi::Value Memfd::grow(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "grow");
  const auto file = core("grow");
  const uint64_t length = arguments.pages(0, "length", file->length);
  resize(info.Env(), file->fd.get(), length);
  uint64_t before = file->length;
  while (before < length && !file->length.compare_exchange_weak(before, length)) continue;
  return info.Env().Undefined();
}

Napi::Value Memfd::punch(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "punch");
  const auto file = core("punch");
  const uint64_t offset = arguments.pages(0, "offset");
  const uint64_t length = arguments.pages(1, "length", pageSize());
  constexpr int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  if (fallocate(file->fd.get(), mode, static_cast<off_t>(offset), static_cast<off_t>(length)) != 0) {
    throwErrno(info.Env(), errno, "fallocate");
  }
  return info.Env().Undefined();
}

Napi::Value Memfd::data(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "data");
  const auto file = core("data");
  const uint64_t offset = arguments.pages(0, "offset");
  const uint64_t length = arguments.pages(1, "length");
  double* out = arguments.doubles(2, "out", 2);
  const size_t most = arguments.bytes(2, "out").length / 16;
  if (offset > file->length || length > file->length - offset) {
    arguments.outside("the range", "within the file's " + std::to_string(file->length) + " bytes");
  }
  size_t runs = 0;
  for (off_t at = static_cast<off_t>(offset), end = at + static_cast<off_t>(length); at < end && runs < most; runs++) {
    const off_t start = lseek(file->fd.get(), at, SEEK_DATA);
    if (start < 0 && errno == ENXIO) break;
    if (start < 0) throwErrno(info.Env(), errno, "lseek");
    if (start >= end) break;
    at = lseek(file->fd.get(), start, SEEK_HOLE);
    if (at < 0) throwErrno(info.Env(), errno, "lseek");
    out[runs * 2] = static_cast<double>(start);
    out[runs * 2 + 1] = static_cast<double>(at < end ? at : end);
  }
  return Napi::Number::New(info.Env(), static_cast<double>(runs));
}

Napi::Value Memfd::committed(const Napi::CallbackInfo& info) {
  struct stat status {};
  const auto file = core("committed");
  if (fstat(file->fd.get(), &status) != 0) throwErrno(info.Env(), errno, "fstat");
  return Napi::Number::New(info.Env(), static_cast<double>(status.st_blocks) * 512);
}

Napi::Value Memfd::close(const Napi::CallbackInfo& info) {
  core_.reset();
  return info.Env().Undefined();
}

}  // namespace mirrorspace
