#include "pagemap.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "arguments.h"
#include "kernel-abi.h"
#include "mapping.h"

namespace mirrorspace::pagemap {

// Open as long as the process lives: a scan is a hot path.
static int file() {
  static const int fd = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  return fd;
}

/// Numbers before the first run in `out`: runs, pages, and the offset where the scan ended.
constexpr size_t HEADER = 3;

constexpr uint64_t CATEGORIES = 0xff;
constexpr uint64_t FLAGS = 3;

int scan(uint64_t start, uint64_t end, const Pages& pages, uint64_t flags, abi::page_region* out, size_t most,
         uint64_t& walked) {
  abi::pm_scan_arg arg{};
  arg.size = sizeof arg;
  arg.start = start;
  arg.end = end;
  arg.vec = reinterpret_cast<uint64_t>(out);
  arg.vec_len = most;
  arg.flags = flags;
  arg.category_mask = pages.all;
  arg.category_anyof_mask = pages.any;
  arg.category_inverted = pages.inverted;
  arg.return_mask = pages.all;
  const int runs = ioctl(file(), abi::SCAN, &arg);
  walked = arg.walk_end;
  return runs;
}

static Napi::Value scanMapping(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "pagemapScan");
  const auto memory = arguments.handle<Mapping>(0, "mapping");
  const uint64_t offset = arguments.pages(1, "offset");
  const Span span = memory->span(info.Env(), "pagemapScan", offset, arguments.pages(2, "length"));
  double* number = arguments.doubles(3, "out", HEADER + 3);

  abi::pm_scan_arg arg{};
  arg.size = sizeof arg;
  arg.start = span.start();
  arg.end = span.end();
  arg.vec = reinterpret_cast<uint64_t>(number + HEADER);
  arg.vec_len = (arguments.bytes(3, "out").length / 8 - HEADER) / 3;
  arg.flags = arguments.integer(4, "flags", FLAGS);
  arg.category_mask = arguments.integer(5, "all", CATEGORIES);
  arg.category_anyof_mask = arguments.integer(6, "any", CATEGORIES, 0, 0);
  arg.category_inverted = arguments.integer(7, "inverted", CATEGORIES, 0, 0);
  arg.return_mask = arguments.integer(8, "report", CATEGORIES, 0, 0);
  // Without a category to report the kernel would return no runs.
  if (arg.return_mask == 0) arg.return_mask = arg.category_mask | arg.category_anyof_mask;
  if (file() < 0) throwErrno(info.Env(), ENOENT, "open", "/proc/self/pagemap");
  const int runs = ioctl(file(), abi::SCAN, &arg);
  if (runs < 0) throwErrno(info.Env(), errno, "PAGEMAP_SCAN");

  // In place: runs of addresses become runs of offsets in the mapping.
  const uint64_t base = span.start() - offset;
  uint64_t pages = 0;
  for (int i = 0; i < runs; i++) {
    double* at = number + HEADER + static_cast<size_t>(i) * 3;
    abi::page_region run;
    std::memcpy(&run, at, sizeof run);
    pages += (run.end - run.start) / pageSize();
    at[0] = static_cast<double>(run.start - base);
    at[1] = static_cast<double>(run.end - base);
    at[2] = static_cast<double>(run.categories);
  }
  number[0] = runs;
  number[1] = static_cast<double>(pages);
  number[2] = static_cast<double>(arg.walk_end - base);
  return Napi::Number::New(info.Env(), runs);
}

void init(Napi::Env env, Napi::Object exports) {
  exports.Set("pagemapScan", Napi::Function::New<scanMapping>(env, "pagemapScan"));
}

}  // namespace mirrorspace::pagemap
