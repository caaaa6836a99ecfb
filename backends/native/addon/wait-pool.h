// Threads that wait for the kernel in JavaScript's place.
#pragma once
#include <atomic>
#include <functional>
#include <memory>

#include "owned-fd.h"
#include "promises.h"

namespace mirrorspace {

/// One wait under way. Everything that blocks also ends when it is cancelled.
class Wait {
 public:
  Wait();
  /// Becomes readable when it is cancelled: for poll.
  int signal() const { return event_.get(); }
  bool cancelled() const { return cancelled_.load(); }
  const std::atomic<bool>& flag() const { return cancelled_; }
  void cancel();

 private:
  std::atomic<bool> cancelled_{false};
  OwnedFd event_;
};

/// Most waits at once.
constexpr size_t WAIT_LIMIT = 256;

/// Runs `run` on a thread of its own, which is to settle `pending`. It must end soon after its wait was cancelled,
/// which happens when the environment ends; `nudge` is called again and again then, for waits that poll cannot do.
/// Rejects BUSY beyond WAIT_LIMIT.
void startWait(Napi::Env env, const std::shared_ptr<Promises::Pending>& pending, std::function<void(Wait&)> run,
               std::function<void()> nudge = nullptr);

/// Cancels what an environment waits for, and returns when all of it has ended.
void endWaits(napi_env env);

}  // namespace mirrorspace
