#include "wait-pool.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>

#include "errors.h"

namespace mirrorspace {

Wait::Wait() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void Wait::cancel() {
  if (cancelled_.exchange(true)) return;
  const uint64_t one = 1;
  if (write(event_.get(), &one, sizeof one) < 0) return;
}

namespace {

struct Job {
  napi_env env;
  std::function<void(Wait&)> run;
  std::function<void()> nudge;
  Wait wait;
};

class Pool {
 public:
  // Never destroyed: threads use it while the process exits.
  static Pool& get() {
    static Pool* pool = new Pool;
    return *pool;
  }

  bool add(const std::shared_ptr<Job>& job) {
    const std::lock_guard lock(mutex_);
    if (jobs_.size() >= WAIT_LIMIT) return false;
    if (idle_ <= queued_.size()) {
      std::thread([this]() { work(); }).detach();
      idle_++;
    }
    jobs_.push_back(job);
    queued_.push_back(job);
    changed_.notify_all();
    return true;
  }

  /// Cancels what an environment waits for, and returns when all of it has ended.
  void end(napi_env env) {
    std::unique_lock lock(mutex_);
    for (;;) {
      bool any = false;
      for (const auto& job : jobs_) {
        if (job->env != env) continue;
        any = true;
        job->wait.cancel();
        // It may have looked whether it was cancelled, and be about to sleep: so once is not enough.
        if (job->nudge) job->nudge();
      }
      if (!any) return;
      changed_.wait_for(lock, std::chrono::milliseconds(1));
    }
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      // A thread that had nothing to do for a while ends.
      if (!changed_.wait_for(lock, std::chrono::seconds(5), [this]() { return !queued_.empty(); })) break;
      auto job = queued_.front();
      queued_.pop_front();
      idle_--;
      lock.unlock();
      job->run(job->wait);
      // What the job holds goes before anybody hears that it ended.
      job->run = nullptr;
      lock.lock();
      idle_++;
      jobs_.remove(job);
      job.reset();
      changed_.notify_all();
    }
    idle_--;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<std::shared_ptr<Job>> jobs_;
  std::deque<std::shared_ptr<Job>> queued_;
  size_t idle_ = 0;
};

}  // namespace

void startWait(Napi::Env env, const std::shared_ptr<Promises::Pending>& pending, std::function<void(Wait&)> run,
               std::function<void()> nudge) {
  auto job = std::make_shared<Job>();
  job->env = env;
  job->run = std::move(run);
  job->nudge = std::move(nudge);
  try {
    if (job->wait.signal() >= 0 && Pool::get().add(job)) return;
    pending->reject(
        "BUSY", "more than " + std::to_string(WAIT_LIMIT) + " waits at once, or no descriptors left; await some first");
  } catch (const std::system_error& error) {
    pending->reject("BUSY", std::string("no thread to wait: ") + error.what());
  }
}

void endWaits(napi_env env) { Pool::get().end(env); }

}  // namespace mirrorspace
