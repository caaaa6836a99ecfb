// A native object in a JavaScript object of a class of ours, told from others by a type tag.
#pragma once
#include <napi.h>

#include <memory>
#include <mutex>
#include <unordered_map>

#include "arguments.h"
#include "instance.h"

namespace mirrorspace {

/**
 * Base of the addon's classes. T has `NAME` (for messages) and `TAG`; Core is what it stands for, which several
 * threads may share: each has a handle of its own, and the last one that goes takes the core with it.
 */
template <typename T, typename Core>
class Handle : public Napi::ObjectWrap<T> {
 public:
  explicit Handle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<T>(info), core_(std::move(made())) {
    if (!core_) throwType(info.Env(), std::string(T::NAME) + " is made by a static method of its class");
    info.This().template As<Napi::Object>().TypeTag(&T::TAG);
  }

  /// The core behind `value`; calls `refuse`, which throws, for anything else.
  template <typename Refuse>
  static std::shared_ptr<Core> from(const Napi::Value& value, const char* call, Refuse refuse) {
    if (!value.IsObject()) refuse();
    Napi::Object object = value.template As<Napi::Object>();
    if (!object.CheckTypeTag(&T::TAG)) refuse();
    return T::Unwrap(object)->core(call);
  }

  static Napi::Value make(Napi::Env env, std::shared_ptr<Core> core) {
    made() = std::move(core);
    // Whatever stands between this and the constructor: nobody else gets it.
    const std::unique_ptr<std::shared_ptr<Core>, void (*)(std::shared_ptr<Core>*)> over(
        &made(), [](std::shared_ptr<Core>* left) { left->reset(); });
    return Instance::of(env).constructors.at(&T::TAG).New({});
  }

  /// The core, kept alive for a call. @throws an Error with the code CLOSED after `close`
  std::shared_ptr<Core> core(const char* call) {
    if (!core_) throwCode(this->Env(), "CLOSED", std::string(call) + ": " + T::NAME + " was closed");
    return core_;
  }

 protected:
  /// A getter of the class. V8 checks what methods are called on, but not getters: they may come here with anything.
  template <Napi::Value (T::*method)(const Napi::CallbackInfo&)>
  static Napi::PropertyDescriptor getter(const char* name) {
    return Napi::PropertyDescriptor::Accessor<&Handle::template get<method>>(name, napi_configurable);
  }

  /// Defines the class with what all have: `share()`, `adopt(token)`, `closed`.
  static void define(Napi::Env env, Napi::Object exports, const char* name,
                     std::vector<Napi::ClassPropertyDescriptor<T>> properties,
                     std::vector<Napi::PropertyDescriptor> getters) {
    properties.push_back(
        T::InstanceMethod("share", static_cast<Napi::Value (T::*)(const Napi::CallbackInfo&)>(&Handle::share)));
    properties.push_back(T::StaticMethod("adopt", &Handle::adopt));
    getters.push_back(
        Napi::PropertyDescriptor::Accessor<&Handle::template get<&Handle::closed>>("closed", napi_configurable));
    Napi::Function constructor = T::DefineClass(env, name, properties);
    constructor.Get("prototype").template As<Napi::Object>().DefineProperties(getters);
    Instance::of(env).constructors[&T::TAG] = Napi::Persistent(constructor);
    exports.Set(name, constructor);
  }

  std::shared_ptr<Core> core_;

 public:
  Napi::Value closed(const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), !core_); }

  Napi::Value share(const Napi::CallbackInfo& info) {
    std::shared_ptr<Core> core = this->core("share");
    Tokens& tokens = Tokens::all();
    const std::lock_guard lock(tokens.mutex);
    for (auto at = tokens.shared.begin(); at != tokens.shared.end();) {
      if (at->second.lock() == core) return Napi::Number::New(info.Env(), static_cast<double>(at->first));
      at = at->second.expired() ? tokens.shared.erase(at) : std::next(at);
    }
    const uint64_t token = ++tokens.last;
    tokens.shared[token] = core;
    return Napi::Number::New(info.Env(), static_cast<double>(token));
  }

  static Napi::Value adopt(const Napi::CallbackInfo& info) {
    const Arguments arguments(info, "adopt");
    const uint64_t token = arguments.integer(0, "token");
    std::shared_ptr<Core> core;
    {
      Tokens& tokens = Tokens::all();
      const std::lock_guard lock(tokens.mutex);
      const auto found = tokens.shared.find(token);
      if (found != tokens.shared.end()) core = found->second.lock();
    }
    if (!core)
      throwCode(info.Env(), "CLOSED",
                std::string("adopt: the token stands for nothing; its ") + (T::NAME + 2) + " was closed");
    return make(info.Env(), std::move(core));
  }

 private:
  /// Numbers by which other threads of the process find a core.
  struct Tokens {
    std::mutex mutex;
    uint64_t last = 0;
    std::unordered_map<uint64_t, std::weak_ptr<Core>> shared;
    // Never destroyed: threads may use it while the process exits.
    static Tokens& all() {
      static Tokens* tokens = new Tokens;
      return *tokens;
    }
  };

  template <auto method>
  static Napi::Value get(const Napi::CallbackInfo& info) {
    const Napi::Value self = info.This();
    if (!self.IsObject() || !self.template As<Napi::Object>().CheckTypeTag(&T::TAG)) {
      throwType(info.Env(), std::string("this is not ") + T::NAME);
    }
    return (T::Unwrap(self.template As<Napi::Object>())->*method)(info);
  }

  /// What the next constructor takes: JavaScript cannot set it, so it cannot make a handle of anything.
  static std::shared_ptr<Core>& made() {
    static thread_local std::shared_ptr<Core> core;
    return core;
  }
};

}  // namespace mirrorspace
