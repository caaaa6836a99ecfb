// Checked reading of what JavaScript passed: nothing else in the addon reads a napi value without knowing its type.
#pragma once
#include <napi.h>

#include <cstdint>
#include <string>

#include "errors.h"

namespace mirrorspace {

/// Largest integer that a JavaScript number holds exactly.
constexpr uint64_t MAX_SAFE = (uint64_t{1} << 53) - 1;

/// End of the addresses that a process may have without asking for more.
constexpr uint64_t ADDRESS_LIMIT = uint64_t{1} << 47;

/// Bytes of an ArrayBufferView, or none of a detached one. Valid until JavaScript runs again.
struct Bytes {
  uint8_t* data = nullptr;
  size_t length = 0;
};

/// The arguments of one call: each is read by its index, and named in the error when it is wrong.
class Arguments {
 public:
  Arguments(const Napi::CallbackInfo& info, const char* call) : info_(info), call_(call) {}

  Napi::Env env() const { return info_.Env(); }
  const char* call() const { return call_; }
  bool given(size_t index) const { return index < info_.Length() && !info_[index].IsUndefined(); }
  Napi::Value at(size_t index) const { return info_[index]; }

  /// An integer in [least, most].
  uint64_t integer(size_t index, const char* name, uint64_t most = MAX_SAFE, uint64_t least = 0) const;
  uint64_t integer(size_t index, const char* name, uint64_t most, uint64_t least, uint64_t otherwise) const;
  bool boolean(size_t index, const char* name, bool otherwise) const;
  /// A string without a zero in it.
  std::string text(size_t index, const char* name) const;
  /// Any ArrayBufferView of at least `least` bytes that starts at a multiple of `alignment`.
  Bytes bytes(size_t index, const char* name, size_t least = 0, size_t alignment = 1) const;
  /// A Float64Array of at least `least` numbers.
  double* doubles(size_t index, const char* name, size_t least) const;
  Napi::Function function(size_t index, const char* name) const;
  /// A multiple of the page size, at least `least`.
  uint64_t pages(size_t index, const char* name, uint64_t least = 0) const;
  /// What a handle of class T stands for: any other object is refused by its type tag.
  template <typename T>
  auto handle(size_t index, const char* name) const {
    return T::from(at(index), call_, [&]() { wrong(name, T::NAME); });
  }

  /// Refuses a value: TypeError.
  [[noreturn]] void wrong(const char* name, const std::string& expected) const;
  /// Refuses a value of the right type: RangeError.
  [[noreturn]] void outside(const char* name, const std::string& expected) const;

 private:
  const Napi::CallbackInfo& info_;
  const char* call_;
};

/// Reads an integer in [least, most] out of any value, for elements of lists; false when it is not one.
bool readInteger(const Napi::Value& value, uint64_t least, uint64_t most, uint64_t& out);

/// Reads any ArrayBufferView; false when it is not one.
bool readBytes(const Napi::Value& value, Bytes& out);

}  // namespace mirrorspace
