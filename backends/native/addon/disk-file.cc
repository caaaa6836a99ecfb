#include "disk-file.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>

#include <cerrno>

#include "arguments.h"

namespace mirrorspace {

void DiskFile::init(Napi::Env env, Napi::Object exports) {
  define(env, exports, "DiskFile",
         {
             StaticMethod<&DiskFile::open>("open"),
             InstanceMethod<&DiskFile::allocate>("allocate"),
             InstanceMethod<&DiskFile::close>("close"),
         },
         {getter<&DiskFile::length>("length"), getter<&DiskFile::writable>("writable")});
}

uint64_t OpenDiskFile::length(Napi::Env env) const {
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) throwErrno(env, errno, "fstat");
  return static_cast<uint64_t>(status.st_size);
}

Napi::Value DiskFile::open(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "DiskFile.open");
  const std::string path = arguments.text(0, "path");
  const bool writable = arguments.boolean(1, "writable", false);
  OwnedFd fd(::open(path.c_str(), (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) throwErrno(info.Env(), errno, "open", path);
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) throwErrno(info.Env(), errno, "fstat", path);
  // What a device or a pipe would do when it is mapped nobody knows.
  if (!S_ISREG(status.st_mode)) throwErrno(info.Env(), ENODEV, "open", path + " is no regular file");
  return make(info.Env(), std::make_shared<OpenDiskFile>(OpenDiskFile{std::move(fd), writable}));
}

Napi::Value DiskFile::length(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), core_ ? static_cast<double>(core_->length(info.Env())) : 0);
}

Napi::Value DiskFile::writable(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), core("writable")->writable);
}

Napi::Value DiskFile::allocate(const Napi::CallbackInfo& info) {
  const auto file = core("allocate");
  const uint64_t length = file->length(info.Env());
  if (length > 0 && fallocate(file->fd.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(length)) != 0)
    throwErrno(info.Env(), errno, "fallocate");
  return info.Env().Undefined();
}

Napi::Value DiskFile::close(const Napi::CallbackInfo& info) {
  core_.reset();
  return info.Env().Undefined();
}

}  // namespace mirrorspace
