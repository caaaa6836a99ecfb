#include "promises.h"

#include "errors.h"

namespace mirrorspace {

std::shared_ptr<Promises> Promises::create(Napi::Env env) {
  auto promises = std::make_shared<Promises>();
  // The function itself keeps it until the environment is gone.
  auto* self = new std::shared_ptr<Promises>(promises);
  const auto gone = [](napi_env, void* data, void*) {
    auto* held = static_cast<std::shared_ptr<Promises>*>(data);
    {
      const std::lock_guard lock((*held)->mutex_);
      (*held)->function_ = nullptr;
    }
    delete held;
  };
  const napi_status made =
      napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "mirrorspace"), 0, 1, self, gone,
                                      promises.get(), call, &promises->function_);
  if (made != napi_ok) {
    delete self;
    throwCode(env, "UNSUPPORTED", "Node makes no thread-safe function");
  }
  napi_unref_threadsafe_function(env, promises->function_);
  return promises;
}

std::pair<Napi::Promise, std::shared_ptr<Promises::Pending>> Promises::start(Napi::Env env, bool keepsAlive) {
  if (!open()) throwCode(env, "CLOSED", "the thread ends");
  const auto deferred = Napi::Promise::Deferred::New(env);
  if (keepsAlive && pending_++ == 0) napi_ref_threadsafe_function(env, function_);
  return {deferred.Promise(), std::make_shared<Pending>(shared_from_this(), deferred, keepsAlive)};
}

bool Promises::open() {
  const std::lock_guard lock(mutex_);
  return function_ != nullptr;
}

void Promises::settle(Settlement settled) {
  auto* settlement = new Settlement(std::move(settled));
  const std::lock_guard lock(mutex_);
  if (!function_ || napi_call_threadsafe_function(function_, settlement, napi_tsfn_nonblocking) != napi_ok)
    delete settlement;
}

void Promises::call(napi_env rawEnv, napi_value, void* context, void* data) {
  const std::unique_ptr<Settlement> settlement(static_cast<Settlement*>(data));
  if (!rawEnv) return;
  Napi::Env env(rawEnv);
  const Napi::HandleScope scope(env);
  auto& self = *static_cast<Promises*>(context);
  if (settlement->keepsAlive && --self.pending_ == 0) napi_unref_threadsafe_function(env, self.function_);
  try {
    try {
      settlement->deferred.Resolve(settlement->result(env));
    } catch (const Napi::Error& error) {
      settlement->deferred.Reject(error.Value());
    }
  } catch (const Napi::Error&) {
    // The environment ends: Node delivers before any hook of ours runs, but lets nobody into JavaScript. Nobody waits there.
  }
}

void Promises::Pending::resolve(Result result) {
  owner_->settle({deferred_, keepsAlive_, std::move(result)});
}

void Promises::Pending::reject(const char* code, const std::string& message) {
  resolve([code, message](Napi::Env env) -> Napi::Value { throwCode(env, code, message); });
}

}  // namespace mirrorspace
