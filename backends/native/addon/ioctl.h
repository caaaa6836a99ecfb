// ioctl requests as a descriptor's owner declares them: which fields of a struct are pointers, and how much they point
// to.
#pragma once
#include <napi.h>

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "arguments.h"

namespace mirrorspace {

/// A pointer of 64 bits in a struct; the kernel reads or writes `unit` bytes there, or as many times `unit` as a field
/// says.
struct PointerField {
  uint32_t at = 0;
  uint64_t unit = 0;
  /// Offset and size (4 or 8) of the field that counts; no size: there is none.
  uint32_t countAt = 0;
  uint32_t countSize = 0;
};

struct Request {
  std::vector<PointerField> pointers;
  /// Offsets of descriptors (i32) that the caller passes.
  std::vector<uint32_t> descriptors;
  /// Offset of a descriptor that the kernel returns; -1: none.
  int64_t result = -1;
};

using Requests = std::unordered_map<uint32_t, Request>;

/// Reads the list `[{ request, pointers?, descriptors?, result? }]`. @throws TypeError, RangeError
std::shared_ptr<const Requests> readRequests(const Arguments& arguments, size_t index);

struct OpenFile;

/// `ioctl(request, argument, pointers?)` on a file.
Napi::Value callIoctl(const Arguments& arguments, const std::shared_ptr<OpenFile>& file);

/// The same on a thread of its own: a promise of `[result, struct]`. Pointers point to Mappings only. It cannot be cancelled, so the
/// environment ends only when the driver has answered.
Napi::Value startIoctl(const Arguments& arguments, const std::shared_ptr<OpenFile>& file);

}  // namespace mirrorspace
