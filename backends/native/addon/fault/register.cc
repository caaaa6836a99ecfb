// Registering ranges: options, and who must hear what of it goes.
#include <linux/userfaultfd.h>

#include <cerrno>
#include <system_error>

#include "arguments.h"
#include "fault/userfault.h"
#include "kernel-abi.h"
#include "mapping.h"

namespace mirrorspace {

constexpr uint64_t MODES = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP | UFFDIO_REGISTER_MODE_MINOR;

/// Most pages that one fault brings: 2 MiB of 4 KiB.
constexpr uint64_t MOST_AROUND = 512;

static Source sourceOf(const Arguments& arguments, const Napi::Value& value) {
  if (value.IsUndefined()) return Source::JavaScript;
  const std::string name = value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
  if (name == "javascript") return Source::JavaScript;
  if (name == "zeros") return Source::Zeros;
  if (name == "copy") return Source::Copy;
  if (name == "continue") return Source::Continue;
  if (name == "move") return Source::Move;
  arguments.outside("source", "'javascript', 'zeros', 'copy', 'continue' or 'move'");
}

static uint64_t option(const Arguments& arguments, const Napi::Object& options, const char* name, uint64_t least,
                       uint64_t most, uint64_t otherwise) {
  const Napi::Value value = options.Get(name);
  uint64_t out = otherwise;
  if (!value.IsUndefined() && !readInteger(value, least, most, out)) {
    arguments.outside(name, "an integer from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return out;
}

Napi::Value Userfault::registerRange(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "register");
  const uint64_t mode = arguments.integer(3, "mode", MODES, 1);
  Registration registration;
  registration.mode = mode;
  Napi::Value from = info.Env().Undefined();
  uint64_t fromOffset = 0;
  if (arguments.given(4)) {
    if (!arguments.at(4).IsObject()) arguments.wrong("options", "an object");
    const Napi::Object options = arguments.at(4).As<Napi::Object>();
    registration.token = static_cast<double>(option(arguments, options, "token", 0, MAX_SAFE, 0));
    registration.source = sourceOf(arguments, options.Get("source"));
    registration.least = static_cast<uint32_t>(option(arguments, options, "least", 1, MOST_AROUND, 1));
    registration.most =
        static_cast<uint32_t>(option(arguments, options, "most", registration.least, MOST_AROUND, registration.least));
    const Napi::Value clean = options.Get("clean");
    if (!clean.IsUndefined() && !clean.IsBoolean()) arguments.wrong("clean", "true or false");
    registration.clean = clean.IsBoolean() && clean.As<Napi::Boolean>().Value();
    const Napi::Value lazy = options.Get("lazy");
    if (!lazy.IsUndefined() && !lazy.IsBoolean()) arguments.wrong("lazy", "true or false");
    registration.lazy = lazy.IsBoolean() && lazy.As<Napi::Boolean>().Value();
    from = options.Get("from");
    fromOffset = option(arguments, options, "fromOffset", 0, ADDRESS_LIMIT, 0);
    if (fromOffset % pageSize() != 0) arguments.outside("fromOffset", "a multiple of the page size");
  }
  if (registration.clean && !(mode & UFFDIO_REGISTER_MODE_WP))
    arguments.outside("clean", "false where writes are not tracked");

  // Whatever of this runs JavaScript has run.
  const auto faults = serving("register");
  // A write to a page that the kernel brings, unprotected, nobody would be told of.
  if (registration.lazy && (mode & UFFDIO_REGISTER_MODE_WP) && !(faults->features & abi::FEATURE_WP_ASYNC))
    arguments.outside("lazy", "false where writes are tracked synchronously");
  const auto memory = arguments.handle<Mapping>(0, "mapping");
  const uint64_t offset = arguments.pages(1, "offset");
  const uint64_t length = arguments.pages(2, "length", pageSize());
  const std::weak_ptr<RangeWatcher> watcher = faults;
  std::shared_ptr<Memory> source;
  if (registration.source == Source::Copy || registration.source == Source::Move) {
    source = Mapping::from(from, "register", [&]() { arguments.wrong("from", Mapping::NAME); });
    source->whileOpen(info.Env(), "register", fromOffset, length, [&](const Span& span) {
      registration.from = span;
      source->watch(watcher);
    });
  }
  try {
    if ((mode & ~UFFDIO_REGISTER_MODE_WP) || !(faults->features & abi::FEATURE_WP_ASYNC)) faults->serve();
  } catch (const std::system_error& error) {
    throwErrno(info.Env(), error.code().value(), "pthread_create");
  }
  int error = 0;
  memory->whileOpen(info.Env(), "register", offset, length, [&](const Span& span) {
    registration.start = registration.origin = span.start();
    registration.end = span.end();
    registration.mapped = span.start() - offset;
    registration.hold = span.hold;
    memory->watch(watcher);
    error = faults->add(std::move(registration));
  });
  if (error == EEXIST) arguments.outside("the range", "one of which nothing is registered yet");
  if (error == EDEADLK)
    arguments.outside("the range and its source", "such that no fault waits for pages of a range with faults");
  if (error != 0) throwErrno(info.Env(), error, "UFFDIO_REGISTER");
  if (source) {
    // It may have been closed between the two.
    try {
      source->span(info.Env(), "register", fromOffset, length);
    } catch (const Napi::Error&) {
      const Span span = memory->span(info.Env(), "register", offset, length);
      faults->forget(span.start(), span.end());
      throw;
    }
  }
  return info.Env().Undefined();
}

}  // namespace mirrorspace
