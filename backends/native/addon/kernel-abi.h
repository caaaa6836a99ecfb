// What Debian 12's kernel headers (6.1) lack, defined by us; static_assert'ed against headers that have it.
#pragma once
#include <linux/fs.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

#include <cstdint>

namespace mirrorspace::abi {

constexpr uint64_t FEATURE_WP_UNPOPULATED = 1 << 13;
constexpr uint64_t FEATURE_POISON = 1 << 14;
constexpr uint64_t FEATURE_WP_ASYNC = 1 << 15;
constexpr uint64_t FEATURE_MOVE = 1 << 16;

constexpr uint64_t CONTINUE_MODE_WP = 1 << 1;

struct uffdio_move {
  uint64_t dst, src, len, mode;
  int64_t move;
};
constexpr uint64_t MOVE_MODE_DONTWAKE = 1 << 0;
constexpr uint64_t MOVE_MODE_ALLOW_SRC_HOLES = 1 << 1;
constexpr uint32_t MOVE = _IOWR(UFFDIO, 0x05, struct uffdio_move);

/// Of /dev/userfaultfd: returns a userfaultfd; the argument is the flags of userfaultfd(2).
constexpr uint32_t NEW = _IO(UFFDIO, 0x00);

struct page_region {
  uint64_t start, end, categories;
};
struct pm_scan_arg {
  uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
  uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
constexpr uint32_t SCAN = _IOWR('f', 16, struct pm_scan_arg);

#ifdef UFFD_FEATURE_WP_UNPOPULATED
static_assert(FEATURE_WP_UNPOPULATED == UFFD_FEATURE_WP_UNPOPULATED);
#endif
#ifdef UFFD_FEATURE_POISON
static_assert(FEATURE_POISON == UFFD_FEATURE_POISON);
#endif
#ifdef UFFD_FEATURE_WP_ASYNC
static_assert(FEATURE_WP_ASYNC == UFFD_FEATURE_WP_ASYNC);
#endif
#ifdef UFFD_FEATURE_MOVE
static_assert(FEATURE_MOVE == UFFD_FEATURE_MOVE);
#endif
#ifdef UFFDIO_CONTINUE_MODE_WP
static_assert(CONTINUE_MODE_WP == UFFDIO_CONTINUE_MODE_WP);
#endif
#ifdef UFFDIO_MOVE
static_assert(MOVE == UFFDIO_MOVE && sizeof(uffdio_move) == sizeof(struct ::uffdio_move));
static_assert(MOVE_MODE_ALLOW_SRC_HOLES == UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES);
#endif
#ifdef USERFAULTFD_IOC_NEW
static_assert(NEW == USERFAULTFD_IOC_NEW);
#endif
#ifdef PAGEMAP_SCAN
static_assert(SCAN == PAGEMAP_SCAN && sizeof(pm_scan_arg) == sizeof(struct ::pm_scan_arg));
#endif

}  // namespace mirrorspace::abi
