#include "descriptor.h"

#include <fcntl.h>
#include <poll.h>

#include <cerrno>

#include "arguments.h"
#include "futex.h"
#include "wait-pool.h"

namespace mirrorspace {

void Descriptor::init(Napi::Env env, Napi::Object exports) {
  define(env, exports, "Descriptor",
         {
             StaticMethod<&Descriptor::open>("open"),
             InstanceMethod<&Descriptor::ioctl>("ioctl"),
             InstanceMethod<&Descriptor::ioctlAsync>("ioctlAsync"),
             InstanceMethod<&Descriptor::poll>("poll"),
             InstanceMethod<&Descriptor::look>("look"),
             InstanceMethod<&Descriptor::close>("close"),
             InstanceMethod<&Descriptor::closeAsync>("closeAsync"),
         },
         {});
}

Napi::Value Descriptor::open(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "Descriptor.open");
  const std::string path = arguments.text(0, "path");
  const int flags = static_cast<int>(arguments.integer(1, "flags", INT32_MAX, 0, O_RDWR));
  auto requests = readRequests(arguments, 2);
  // Without O_NONBLOCK some files (a FIFO, a line) would not open before somebody comes.
  OwnedFd fd(::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600));
  if (!fd) throwErrno(info.Env(), errno, "open", path);
  return make(info.Env(), std::make_shared<OpenFile>(OpenFile{std::move(fd), std::move(requests)}));
}

Napi::Value Descriptor::ioctl(const Napi::CallbackInfo& info) {
  return callIoctl(Arguments(info, "ioctl"), core("ioctl"));
}

Napi::Value Descriptor::ioctlAsync(const Napi::CallbackInfo& info) {
  return startIoctl(Arguments(info, "ioctlAsync"), core("ioctlAsync"));
}

Napi::Value Descriptor::poll(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "poll");
  auto file = core("poll");
  const auto events = static_cast<int16_t>(arguments.integer(0, "events", INT16_MAX));
  const auto timeout = static_cast<int>(arguments.integer(1, "timeoutMs", LONGEST_WAIT_MS));
  auto [promise, pending] = Instance::of(info.Env()).promises->start(info.Env());
  startWait(info.Env(), pending, [file, events, timeout, pending = pending](Wait& wait) {
    pollfd polled[2] = {{file->fd.get(), events, 0}, {wait.signal(), POLLIN, 0}};
    const int error = ::poll(polled, 2, timeout) < 0 ? errno : 0;
    const int16_t happened = polled[0].revents;
    pending->resolve([error, happened](Napi::Env env) -> Napi::Value {
      if (error != 0 && error != EINTR) throwErrno(env, error, "poll");
      return Napi::Number::New(env, happened);
    });
  });
  return promise;
}

Napi::Value Descriptor::look(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "look");
  pollfd polled{core("look")->fd.get(), static_cast<int16_t>(arguments.integer(0, "events", INT16_MAX)), 0};
  if (::poll(&polled, 1, 0) < 0 && errno != EINTR) throwErrno(info.Env(), errno, "poll");
  return Napi::Number::New(info.Env(), polled.revents);
}

Napi::Value Descriptor::close(const Napi::CallbackInfo& info) {
  core_.reset();
  return info.Env().Undefined();
}

Napi::Value Descriptor::closeAsync(const Napi::CallbackInfo& info) {
  auto [promise, pending] = Instance::of(info.Env()).promises->start(info.Env());
  // The thread's is the last reference here, and so closes the file, unless a request of it is under way or another thread has it.
  auto file = std::make_shared<std::shared_ptr<OpenFile>>(std::move(core_));
  core_.reset();
  startWait(info.Env(), pending, [file, pending = pending](Wait&) {
    file->reset();
    pending->resolve([](Napi::Env env) -> Napi::Value { return env.Undefined(); });
  });
  return promise;
}

}  // namespace mirrorspace
