#include "arguments.h"

#include <cmath>

#include "memory.h"

namespace mirrorspace {

bool readInteger(const Napi::Value& value, uint64_t least, uint64_t most, uint64_t& out) {
  if (!value.IsNumber()) return false;
  const double number = value.As<Napi::Number>().DoubleValue();
  // False for NaN, too.
  if (!(number >= 0 && number <= static_cast<double>(MAX_SAFE)) || number != std::floor(number)) return false;
  out = static_cast<uint64_t>(number);
  return out >= least && out <= most;
}

bool readBytes(const Napi::Value& value, Bytes& out) {
  napi_env env = value.Env();
  void* data = nullptr;
  if (value.IsTypedArray()) {
    napi_typedarray_type type;
    size_t elements = 0, offset = 0;
    if (napi_get_typedarray_info(env, value, &type, &elements, &data, nullptr, &offset) != napi_ok) return false;
    out.length = elements * value.As<Napi::TypedArray>().ElementSize();
  } else if (value.IsDataView()) {
    size_t offset = 0;
    if (napi_get_dataview_info(env, value, &out.length, &data, nullptr, &offset) != napi_ok) return false;
  } else {
    return false;
  }
  out.data = static_cast<uint8_t*>(data);
  if (!out.data) out.length = 0;
  return true;
}

void Arguments::wrong(const char* name, const std::string& expected) const {
  throwType(env(), std::string(call_) + ": " + name + " must be " + expected);
}

void Arguments::outside(const char* name, const std::string& expected) const {
  throwRange(env(), std::string(call_) + ": " + name + " must be " + expected);
}

uint64_t Arguments::integer(size_t index, const char* name, uint64_t most, uint64_t least) const {
  const Napi::Value value = at(index);
  if (!value.IsNumber()) wrong(name, "a number");
  uint64_t out = 0;
  if (!readInteger(value, least, most, out)) {
    outside(name, "an integer from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return out;
}

uint64_t Arguments::integer(size_t index, const char* name, uint64_t most, uint64_t least, uint64_t otherwise) const {
  return given(index) ? integer(index, name, most, least) : otherwise;
}

uint64_t Arguments::pages(size_t index, const char* name, uint64_t least) const {
  const uint64_t value = integer(index, name, ADDRESS_LIMIT, least);
  if (value % pageSize() != 0) outside(name, "a multiple of the page size, " + std::to_string(pageSize()));
  return value;
}

bool Arguments::boolean(size_t index, const char* name, bool otherwise) const {
  if (!given(index)) return otherwise;
  if (!at(index).IsBoolean()) wrong(name, "true or false");
  return at(index).As<Napi::Boolean>().Value();
}

std::string Arguments::text(size_t index, const char* name) const {
  if (!at(index).IsString()) wrong(name, "a string");
  std::string out = at(index).As<Napi::String>().Utf8Value();
  if (out.find('\0') != std::string::npos) outside(name, "a string without a zero character");
  return out;
}

Bytes Arguments::bytes(size_t index, const char* name, size_t least, size_t alignment) const {
  Bytes out;
  if (!readBytes(at(index), out)) wrong(name, "a typed array or a DataView");
  if (out.length < least) outside(name, "of at least " + std::to_string(least) + " bytes, not detached");
  if (reinterpret_cast<uintptr_t>(out.data) % alignment != 0) {
    outside(name, "at a multiple of " + std::to_string(alignment) + " bytes");
  }
  return out;
}

double* Arguments::doubles(size_t index, const char* name, size_t least) const {
  const Napi::Value value = at(index);
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
    wrong(name, "a Float64Array");
  }
  return reinterpret_cast<double*>(bytes(index, name, least * 8, 8).data);
}

Napi::Function Arguments::function(size_t index, const char* name) const {
  if (!at(index).IsFunction()) wrong(name, "a function");
  return at(index).As<Napi::Function>();
}

}  // namespace mirrorspace
