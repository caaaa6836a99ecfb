// How many pages to bring for a fault: few at random places, more and more where accesses go forward.
#pragma once
#include <algorithm>
#include <cstdint>

namespace mirrorspace {

/// A few walks through one range at once, such as those of several threads.
class Streams {
 public:
  /// Pages to bring from `page` on: `least`, or twice as many as last time where `page` follows what was brought then.
  uint64_t window(uint64_t page, uint32_t least, uint32_t most) {
    for (Stream& stream : streams_) {
      if (stream.next != page) continue;
      stream.size = std::min<uint64_t>(most, std::max<uint64_t>(least, stream.size * 2));
      stream.next = page + stream.size;
      return stream.size;
    }
    Stream& oldest = streams_[turn_++ % COUNT];
    oldest = {page + least, least};
    return least;
  }

  /// Corrects the last answer for `page`: only `brought` pages came.
  void brought(uint64_t page, uint64_t asked, uint64_t brought) {
    for (Stream& stream : streams_) {
      if (stream.next == page + asked) stream.next = page + brought;
    }
  }

 private:
  static constexpr unsigned COUNT = 4;
  struct Stream {
    uint64_t next = UINT64_MAX;
    uint64_t size = 0;
  };
  Stream streams_[COUNT];
  unsigned turn_ = 0;
};

}  // namespace mirrorspace
