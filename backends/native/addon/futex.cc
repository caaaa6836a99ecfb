#include "futex.h"

#include "arguments.h"
#include "instance.h"
#include "patience.h"
#include "wait-pool.h"

namespace mirrorspace::futex {

/// The element of an Int32Array or Uint32Array that arguments 0 and 1 name.
static void* word(const Arguments& arguments) {
  const Napi::Value value = arguments.at(0);
  if (!value.IsTypedArray()) arguments.wrong("array", "an Int32Array or a Uint32Array");
  const napi_typedarray_type type = value.As<Napi::TypedArray>().TypedArrayType();
  if (type != napi_int32_array && type != napi_uint32_array) arguments.wrong("array", "an Int32Array or a Uint32Array");
  const Bytes bytes = arguments.bytes(0, "array");
  const uint64_t index = arguments.integer(1, "index");
  if (index >= bytes.length / 4)
    arguments.outside("index", "below the array's length, " + std::to_string(bytes.length / 4));
  return bytes.data + index * 4;
}

/// Argument 2, as an i32 or a u32.
static uint32_t expectedValue(const Arguments& arguments) {
  const Napi::Value value = arguments.at(2);
  if (!value.IsNumber()) arguments.wrong("expected", "a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= INT32_MIN && number <= UINT32_MAX) || number != static_cast<double>(static_cast<int64_t>(number))) {
    arguments.outside("expected", "an integer of 32 bits");
  }
  return static_cast<uint32_t>(static_cast<int64_t>(number));
}

static const char* outcome(int error) {
  if (error == 0 || error == EINTR) return "ok";
  if (error == EAGAIN) return "not-equal";
  return error == ETIMEDOUT ? "timed-out" : nullptr;
}

static Napi::Value wait(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "futexWait");
  void* at = word(arguments);
  const uint32_t expected = expectedValue(arguments);
  const timespec deadline = deadlineIn(static_cast<double>(arguments.integer(3, "timeoutMs", LONGEST_WAIT_MS)));
  int error = 0;
  blockInSlices(info.Env(), deadline, [&](const timespec& slice) {
    error = futexWait(at, expected, slice);
    return error != ETIMEDOUT;
  });
  const char* result = outcome(error);
  if (!result) throwErrno(info.Env(), error, "futex");
  return Napi::String::New(info.Env(), result);
}

// The waiting thread itself never reads the word, the kernel does, which refuses an address that has become nobody's.
static Napi::Value waitAsync(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "futexWaitAsync");
  void* at = word(arguments);
  const uint32_t expected = expectedValue(arguments);
  const timespec deadline = deadlineIn(static_cast<double>(arguments.integer(3, "timeoutMs", LONGEST_WAIT_MS)));
  auto [promise, pending] = Instance::of(info.Env()).promises->start(info.Env());
  const auto run = [at, expected, deadline, pending = pending](Wait& wait) {
    int error = wait.cancelled() ? EINTR : futexWait(at, expected, deadline);
    pending->resolve([error](Napi::Env env) -> Napi::Value {
      const char* result = outcome(error);
      if (!result) throwErrno(env, error, "futex");
      return Napi::String::New(env, result);
    });
  };
  startWait(info.Env(), pending, run, [at]() { futexWake(at); });
  return promise;
}

static Napi::Value wake(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "futexWake");
  void* at = word(arguments);
  const long woken = futexWake(at, static_cast<int>(arguments.integer(2, "count", INT32_MAX, 0, INT32_MAX)));
  if (woken < 0) throwErrno(info.Env(), errno, "futex");
  return Napi::Number::New(info.Env(), static_cast<double>(woken));
}

void init(Napi::Env env, Napi::Object exports) {
  exports.Set("futexWait", Napi::Function::New<wait>(env, "futexWait"));
  exports.Set("futexWaitAsync", Napi::Function::New<waitAsync>(env, "futexWaitAsync"));
  exports.Set("futexWake", Napi::Function::New<wake>(env, "futexWake"));
}

}  // namespace mirrorspace::futex
