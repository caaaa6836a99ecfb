#include "errors.h"

#include <cstring>

namespace mirrorspace {

std::string errnoName(int error) {
  const char* name = strerrorname_np(error);
  return name ? name : "E" + std::to_string(error);
}

void throwErrno(Napi::Env env, int error, const char* call, const std::string& detail) {
  const std::string code = errnoName(error);
  std::string message = std::string(call) + ": " + code + ", " + strerrordesc_np(error);
  if (!detail.empty()) message += " (" + detail + ")";
  Napi::Error thrown = Napi::Error::New(env, message);
  thrown.Set("errno", Napi::Number::New(env, error));
  thrown.Set("code", Napi::String::New(env, code));
  thrown.Set("call", Napi::String::New(env, call));
  throw thrown;
}

void throwCode(Napi::Env env, const char* code, const std::string& message) {
  Napi::Error thrown = Napi::Error::New(env, message);
  thrown.Set("code", Napi::String::New(env, code));
  throw thrown;
}

void throwType(Napi::Env env, const std::string& message) { throw Napi::TypeError::New(env, message); }

void throwRange(Napi::Env env, const std::string& message) { throw Napi::RangeError::New(env, message); }

}  // namespace mirrorspace
