// Promises of one environment that other threads settle.
#pragma once
#include <napi.h>

#include <functional>
#include <memory>
#include <mutex>

namespace mirrorspace {

/**
 * Settles promises from any thread. While one is pending it keeps the event loop alive, unless told not to; what is still pending when the
 * environment ends is dropped with it.
 */
class Promises : public std::enable_shared_from_this<Promises> {
 public:
  /// Makes what the promise resolves to, on the thread of the environment.
  using Result = std::function<Napi::Value(Napi::Env)>;

  /// Settles one promise, once, from any thread.
  class Pending {
   public:
    Pending(std::shared_ptr<Promises> owner, Napi::Promise::Deferred deferred, bool keepsAlive)
        : owner_(std::move(owner)), deferred_(deferred), keepsAlive_(keepsAlive) {}
    void resolve(Result result);
    void reject(const char* code, const std::string& message);

   private:
    friend class Promises;
    std::shared_ptr<Promises> owner_;
    Napi::Promise::Deferred deferred_;
    bool keepsAlive_;
  };

  static std::shared_ptr<Promises> create(Napi::Env env);

  /// Starts one: the promise for JavaScript, and what settles it. On the environment's thread.
  /// @param keepsAlive Whether the event loop goes on while it is pending.
  std::pair<Napi::Promise, std::shared_ptr<Pending>> start(Napi::Env env, bool keepsAlive = true);

  /// Whether the environment is there still.
  bool open();

 private:
  struct Settlement {
    Napi::Promise::Deferred deferred;
    bool keepsAlive;
    Result result;
  };
  void settle(Settlement settlement);
  static void call(napi_env env, napi_value, void* context, void* data);

  std::mutex mutex_;
  napi_threadsafe_function function_ = nullptr;
  size_t pending_ = 0;
};

}  // namespace mirrorspace
