#include "compare.h"

#include <sys/random.h>

#include <cstring>

#include "arguments.h"
#include "mapping.h"
#include "page-hash.h"

namespace mirrorspace {

PageHash::PageHash() {
  uint64_t state = 0x9e3779b97f4a7c15;
  if (getrandom(&state, sizeof state, GRND_NONBLOCK) != sizeof state) state ^= reinterpret_cast<uint64_t>(&state);
  // splitmix64, so that all keys are good whatever the seed.
  for (uint64_t& key : keys_) {
    uint64_t mixed = state += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    key = (mixed ^ (mixed >> 31)) | 1;
  }
}

namespace compare {

static const PageHash& hash() {
  static const PageHash hash;
  return hash;
}

/// A size of pages that hashes and comparisons take.
static uint64_t unitOf(const Arguments& arguments, size_t index) {
  const uint64_t unit = arguments.integer(index, "pageSize", uint64_t{1} << 30, 64);
  if ((unit & (unit - 1)) != 0) arguments.outside("pageSize", "a power of two");
  return unit;
}

static uint64_t lengthOf(const Arguments& arguments, size_t index, uint64_t unit) {
  const uint64_t length = arguments.integer(index, "length", ADDRESS_LIMIT);
  if (length % unit != 0) arguments.outside("length", "a multiple of pageSize");
  return length;
}

/// An Uint32Array for the numbers of `pages` pages.
static uint32_t* numbers(const Arguments& arguments, size_t index, uint64_t pages) {
  const Napi::Value value = arguments.at(index);
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) {
    arguments.wrong("out", "an Uint32Array");
  }
  if (pages > UINT32_MAX) arguments.outside("length", "of fewer than 2^32 pages");
  return reinterpret_cast<uint32_t*>(arguments.bytes(index, "out", pages * 4).data);
}

/// A BigUint64Array for the hashes of `pages` pages.
static uint64_t* hashes(const Arguments& arguments, size_t index, uint64_t pages) {
  const Napi::Value value = arguments.at(index);
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_biguint64_array) {
    arguments.wrong("hashes", "a BigUint64Array");
  }
  return reinterpret_cast<uint64_t*>(arguments.bytes(index, "hashes", pages * 8).data);
}

/// hashPages(source, offset, length, pageSize, hashes)
static Napi::Value hashPages(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "hashPages");
  const uint64_t unit = unitOf(arguments, 3);
  const uint64_t length = lengthOf(arguments, 2, unit);
  const Span source = spanOf(arguments, 0, "source", 1, length);
  uint64_t* out = hashes(arguments, 4, length / unit);
  for (uint64_t page = 0; page < length / unit; page++) out[page] = hash()(source.data + page * unit, unit);
  return info.Env().Undefined();
}

/// changedPages(source, offset, length, pageSize, hashes, out): how many
static Napi::Value changedPages(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "changedPages");
  const uint64_t unit = unitOf(arguments, 3);
  const uint64_t length = lengthOf(arguments, 2, unit);
  const Span source = spanOf(arguments, 0, "source", 1, length);
  uint64_t* known = hashes(arguments, 4, length / unit);
  uint32_t* out = numbers(arguments, 5, length / unit);
  size_t changed = 0;
  for (uint64_t page = 0; page < length / unit; page++) {
    const uint64_t now = hash()(source.data + page * unit, unit);
    if (now == known[page]) continue;
    known[page] = now;
    out[changed++] = static_cast<uint32_t>(page);
  }
  return Napi::Number::New(info.Env(), static_cast<double>(changed));
}

/// differentPages(a, aOffset, b, bOffset, length, pageSize, out): how many
static Napi::Value differentPages(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "differentPages");
  const uint64_t unit = unitOf(arguments, 5);
  const uint64_t length = lengthOf(arguments, 4, unit);
  const Span a = spanOf(arguments, 0, "a", 1, length);
  const Span b = spanOf(arguments, 2, "b", 3, length);
  uint32_t* out = numbers(arguments, 6, length / unit);
  size_t different = 0;
  for (uint64_t page = 0; page < length / unit; page++) {
    if (std::memcmp(a.data + page * unit, b.data + page * unit, unit) != 0)
      out[different++] = static_cast<uint32_t>(page);
  }
  return Napi::Number::New(info.Env(), static_cast<double>(different));
}

void init(Napi::Env env, Napi::Object exports) {
  exports.Set("hashPages", Napi::Function::New<hashPages>(env, "hashPages"));
  exports.Set("changedPages", Napi::Function::New<changedPages>(env, "changedPages"));
  exports.Set("differentPages", Napi::Function::New<differentPages>(env, "differentPages"));
}

}  // namespace compare
}  // namespace mirrorspace
