// userfaultfd for JavaScript.
#pragma once
#include <napi.h>

#include "fault/userfaults.h"
#include "handle.h"

namespace mirrorspace {

class Userfault : public Handle<Userfault, Userfaults> {
 public:
  static constexpr const char* NAME = "a Userfault";
  static constexpr napi_type_tag TAG = {0x51c7a90be26f4d38, 0xa4903f7d1b8e5c62};
  static void init(Napi::Env env, Napi::Object exports);
  explicit Userfault(const Napi::CallbackInfo& info) : Handle(info) {}

 private:
  static Napi::Value open(const Napi::CallbackInfo& info);
  static Napi::Value kernelFeatures(const Napi::CallbackInfo& info);
  Napi::Value features(const Napi::CallbackInfo& info);
  Napi::Value userModeOnly(const Napi::CallbackInfo& info);
  Napi::Value failure(const Napi::CallbackInfo& info);
  Napi::Value counters(const Napi::CallbackInfo& info);
  Napi::Value registerRange(const Napi::CallbackInfo& info);
  Napi::Value unregister(const Napi::CallbackInfo& info);
  Napi::Value copy(const Napi::CallbackInfo& info);
  Napi::Value resume(const Napi::CallbackInfo& info);
  Napi::Value zero(const Napi::CallbackInfo& info);
  Napi::Value move(const Napi::CallbackInfo& info);
  Napi::Value protect(const Napi::CallbackInfo& info);
  Napi::Value withhold(const Napi::CallbackInfo& info);
  Napi::Value withholdPages(const Napi::CallbackInfo& info);
  Napi::Value restorePages(const Napi::CallbackInfo& info);
  Napi::Value forgetPages(const Napi::CallbackInfo& info);
  Napi::Value takeWritten(const Napi::CallbackInfo& info);
  Napi::Value wake(const Napi::CallbackInfo& info);
  Napi::Value wait(const Napi::CallbackInfo& info);
  Napi::Value ready(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  Napi::Value install(const Arguments& arguments, const char* ioctl, Source source, const Span& to, const Span& from,
                      bool clean);
  std::shared_ptr<Userfaults> serving(const char* call);
};

}  // namespace mirrorspace
