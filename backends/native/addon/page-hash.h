// A hash of 64 bits for pages: fast, and good enough to take equal hashes for equal bytes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace mirrorspace {

/**
 * Folded 64 x 64 bit products over four lanes of 16 bytes a step, after the construction of wyhash (Wang Yi, public
 * domain). The keys are random in each process: nobody can make pages that collide, and for others the odds are 2^-64 a
 * pair.
 */
class PageHash {
 public:
  PageHash();

  /// `length` is a multiple of 64. Another thread may write meanwhile: then the hash is of some mixture.
  uint64_t operator()(const uint8_t* data, size_t length) const {
    uint64_t a = keys_[0], b = keys_[1], c = keys_[2], d = keys_[3];
    for (size_t at = 0; at < length; at += 64) {
      a = fold(word(data + at) ^ keys_[4], word(data + at + 8) ^ a);
      b = fold(word(data + at + 16) ^ keys_[5], word(data + at + 24) ^ b);
      c = fold(word(data + at + 32) ^ keys_[6], word(data + at + 40) ^ c);
      d = fold(word(data + at + 48) ^ keys_[7], word(data + at + 56) ^ d);
    }
    return fold(fold(a ^ keys_[1], b ^ keys_[2]) ^ keys_[5], fold(c ^ keys_[3], d ^ keys_[6]) ^ length);
  }

 private:
  static uint64_t word(const uint8_t* at) {
    uint64_t value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
  static uint64_t fold(uint64_t x, uint64_t y) {
    const unsigned __int128 product = static_cast<unsigned __int128>(x) * y;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }

  uint64_t keys_[8];
};

}  // namespace mirrorspace
