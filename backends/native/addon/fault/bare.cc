#include "fault/bare.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <system_error>
#include <thread>
#include <vector>

#include "arguments.h"
#include "mapping.h"
#include "owned-fd.h"

namespace mirrorspace::bare {

namespace {

class Handler {
 public:
  Handler(OwnedFd fd, Span span)
      : fd_(std::move(fd)), end_(eventfd(0, EFD_CLOEXEC)), span_(std::move(span)), page_(pageSize()) {
    thread_ = std::thread([this]() { run(); });
  }

  ~Handler() {
    uffdio_range range{span_.start(), span_.length};
    ioctl(fd_.get(), UFFDIO_UNREGISTER, &range);
    const uint64_t one = 1;
    if (write(end_.get(), &one, sizeof one) == sizeof one) thread_.join();
    else thread_.detach();
  }

 private:
  void run() {
    for (;;) {
      pollfd polled[2] = {{fd_.get(), POLLIN, 0}, {end_.get(), POLLIN, 0}};
      if (poll(polled, 2, -1) < 0) continue;
      if (polled[1].revents != 0) return;
      uffd_msg message;
      if (read(fd_.get(), &message, sizeof message) != sizeof message) continue;
      const uint64_t at = message.arg.pagefault.address & ~(pageSize() - 1);
      uffdio_copy copy{at, reinterpret_cast<uint64_t>(page_.data()), pageSize(), 0, 0};
      ioctl(fd_.get(), UFFDIO_COPY, &copy);
    }
  }

  const OwnedFd fd_;
  const OwnedFd end_;
  const Span span_;
  const std::vector<uint8_t> page_;
  std::thread thread_;
};

/// bareFaultHandler(mapping): a function that ends it
Napi::Value start(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "bareFaultHandler");
  const auto memory = arguments.handle<Mapping>(0, "mapping");
  OwnedFd fd(static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY)));
  if (!fd) throwErrno(info.Env(), errno, "userfaultfd");
  uffdio_api api{UFFD_API, 0, 0};
  if (ioctl(fd.get(), UFFDIO_API, &api) != 0) throwErrno(info.Env(), errno, "UFFDIO_API");
  const Span span = memory->span(info.Env(), "bareFaultHandler", 0, memory->length);
  uffdio_register range{{span.start(), span.length}, UFFDIO_REGISTER_MODE_MISSING, 0};
  if (ioctl(fd.get(), UFFDIO_REGISTER, &range) != 0) throwErrno(info.Env(), errno, "UFFDIO_REGISTER");
  try {
    auto handler = std::make_shared<std::shared_ptr<Handler>>(std::make_shared<Handler>(std::move(fd), span));
    return Napi::Function::New(info.Env(), [handler](const Napi::CallbackInfo&) { handler->reset(); });
  } catch (const std::system_error& error) {
    throwErrno(info.Env(), error.code().value(), "pthread_create");
  }
}

}  // namespace

void init(Napi::Env env, Napi::Object exports) {
  exports.Set("bareFaultHandler", Napi::Function::New<start>(env, "bareFaultHandler"));
}

}  // namespace mirrorspace::bare
