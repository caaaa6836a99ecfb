// A bit for each page of a range.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace mirrorspace {

class PageBits {
 public:
  // calloc: pages of it that are never set cost nothing, so a terabyte's bits do not either.
  explicit PageBits(uint64_t pages)
      : words_(static_cast<uint64_t*>(std::calloc(pages / 64 + 1, 8))),
        blocks_(static_cast<uint64_t*>(std::calloc(pages / BLOCK / 64 + 1, 8))) {
    if (!words_ || !blocks_) throw std::bad_alloc();
  }

  bool get(uint64_t page) const { return (words_.get()[page / 64] >> (page % 64)) & 1; }

  void set(uint64_t from, uint64_t to, bool value) {
    for (uint64_t block = from / BLOCK; value && block * BLOCK < to; block++) {
      blocks_.get()[block / 64] |= uint64_t{1} << (block % 64);
    }
    for (uint64_t page = from; page < to;) {
      if (page % 64 == 0 && to - page >= 64) {
        uint64_t& word = words_.get()[page / 64];
        // Clearing what is clear would give memory to zeros.
        if (value || word != 0) word = value ? ~uint64_t{0} : 0;
        page += 64;
        continue;
      }
      const uint64_t bit = uint64_t{1} << (page % 64);
      uint64_t& word = words_.get()[page / 64];
      if (value)
        word |= bit;
      else if (word & bit)
        word &= ~bit;
      page++;
    }
  }

  /// The first page of [from, to) that is set (or is not); `to` when none is.
  uint64_t next(uint64_t from, uint64_t to, bool value) const {
    uint64_t page = from;
    uint64_t entered = UINT64_MAX;
    while (page < to) {
      if (value && (page == from || page % BLOCK == 0)) {
        // Nothing was found from its start to its end.
        if (entered < page && page - entered == BLOCK) forget(entered / BLOCK);
        if (!mayHave(page / BLOCK)) {
          entered = UINT64_MAX;
          page = (page / BLOCK + 1) * BLOCK;
          continue;
        }
        entered = page;
      }
      const uint64_t word = value ? words_.get()[page / 64] : ~words_.get()[page / 64];
      const uint64_t rest = word >> (page % 64);
      if (rest != 0) {
        page += static_cast<uint64_t>(__builtin_ctzll(rest));
        return page < to ? page : to;
      }
      page = (page / 64 + 1) * 64;
    }
    return to;
  }

 private:
  /// Pages that one bit of `blocks_` stands for: it is set where any of them may be. So looking through terabytes is quick.
  static constexpr uint64_t BLOCK = 4096;
  bool mayHave(uint64_t block) const { return (blocks_.get()[block / 64] >> (block % 64)) & 1; }
  void forget(uint64_t block) const { blocks_.get()[block / 64] &= ~(uint64_t{1} << (block % 64)); }

  struct Free {
    void operator()(uint64_t* words) const { std::free(words); }
  };
  std::unique_ptr<uint64_t, Free> words_;
  std::unique_ptr<uint64_t, Free> blocks_;
};

}  // namespace mirrorspace
