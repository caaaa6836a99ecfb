#include "ioctl.h"

#include <sched.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include "descriptor.h"
#include "mapping.h"
#include "wait-pool.h"

namespace mirrorspace {

/// Integers below this are never addresses of anything: see vm.mmap_min_addr.
constexpr uint64_t NO_ADDRESS = 0xffff;

static uint64_t field(const Arguments& arguments, const Napi::Object& object, const char* name, uint64_t most) {
  uint64_t out = 0;
  if (!readInteger(object.Get(name), 0, most, out)) {
    arguments.outside("requests", std::string("given with `") + name + "` from 0 to " + std::to_string(most));
  }
  return out;
}

/// The elements of an array, or none where it is not there.
static std::vector<Napi::Value> list(const Arguments& arguments, const Napi::Value& value, const char* name) {
  std::vector<Napi::Value> out;
  if (value.IsUndefined()) return out;
  if (!value.IsArray()) arguments.wrong(name, "an array");
  const Napi::Array array = value.As<Napi::Array>();
  if (array.Length() > 4096) arguments.outside(name, "of at most 4096 elements");
  for (uint32_t i = 0; i < array.Length(); i++) out.push_back(array.Get(i));
  return out;
}

static Napi::Object object(const Arguments& arguments, const Napi::Value& value, const char* name) {
  if (!value.IsObject()) arguments.wrong(name, "a list of objects");
  return value.As<Napi::Object>();
}

std::shared_ptr<const Requests> readRequests(const Arguments& arguments, size_t index) {
  auto requests = std::make_shared<Requests>();
  for (const auto& value : list(arguments, arguments.at(index), "requests")) {
    const Napi::Object declared = object(arguments, value, "requests");
    const auto number = static_cast<uint32_t>(field(arguments, declared, "request", UINT32_MAX));
    const uint64_t size = _IOC_SIZE(number);
    const auto offset = [&](const Napi::Object& of, const char* name, uint64_t bytes) {
      if (size < bytes)
        arguments.outside("requests", "without fields where the request's number says that it has no struct");
      return static_cast<uint32_t>(field(arguments, of, name, size - bytes));
    };
    Request request;
    for (const auto& item : list(arguments, declared.Get("pointers"), "pointers")) {
      const Napi::Object pointer = object(arguments, item, "pointers");
      PointerField out;
      out.at = offset(pointer, "at", 8);
      out.unit = field(arguments, pointer, "unit", ADDRESS_LIMIT);
      if (!pointer.Get("countAt").IsUndefined()) {
        out.countSize = static_cast<uint32_t>(field(arguments, pointer, "countSize", 8));
        if (out.countSize != 4 && out.countSize != 8) arguments.outside("countSize", "4 or 8");
        out.countAt = offset(pointer, "countAt", out.countSize);
      }
      request.pointers.push_back(out);
    }
    for (const auto& item : list(arguments, declared.Get("descriptors"), "descriptors")) {
      uint64_t at = 0;
      if (size < 4 || !readInteger(item, 0, size - 4, at)) arguments.outside("descriptors", "offsets in the struct");
      request.descriptors.push_back(static_cast<uint32_t>(at));
    }
    if (!declared.Get("result").IsUndefined()) request.result = offset(declared, "result", 4);
    (*requests)[number] = std::move(request);
  }
  return requests;
}

/// How many bytes the kernel takes at a pointer, by what the struct says.
static uint64_t extent(const Arguments& arguments, const PointerField& pointer, const std::vector<uint8_t>& bytes) {
  if (pointer.countSize == 0) return pointer.unit;
  uint64_t count = 0;
  std::memcpy(&count, bytes.data() + pointer.countAt, pointer.countSize);
  uint64_t length = 0;
  if (__builtin_mul_overflow(count, pointer.unit, &length)) arguments.outside("a count", "of bytes that exist");
  return length;
}

/// How often a request is made again that a signal interrupted, or that the driver says to make again: as libdrm does, but not for ever.
constexpr int MOST_TRIES = 1000;

/// Makes a request until it is neither interrupted nor to be made again. The driver finds its struct as it was left, which is what it asks for.
template <typename Call>
static long persist(Call call) {
  long result = -1;
  for (int attempt = 0; attempt < MOST_TRIES; attempt++) {
    result = call();
    if (result >= 0 || (errno != EINTR && errno != EAGAIN)) break;
    // Whoever the driver waits for gets its turn.
    const int error = errno;
    if (error == EAGAIN) sched_yield();
    errno = error;
  }
  return result;
}

/// A call with everything checked: it can run on any thread.
struct IoctlCall {
  std::shared_ptr<OpenFile> file;
  std::shared_ptr<const Requests> requests;
  /// One of them.
  const Request* request = nullptr;
  uint32_t number = 0;
  /// The integer of a request without a struct.
  unsigned long argument = 0;
  /// The struct, a copy that no other thread changes between the checks and the call; and where it came from.
  std::vector<uint8_t> bytes;
  Bytes given;
  std::vector<Span> spans;
  std::vector<std::shared_ptr<OpenFile>> files;
  long result = 0;
  int error = 0;
  /// The descriptor that the kernel made: closed where nobody comes for it, as when the environment ends meanwhile.
  OwnedFd opened;

  void run() {
    result = persist([this]() {
      return bytes.empty() ? ::ioctl(file->fd.get(), number, argument) : ::ioctl(file->fd.get(), number, bytes.data());
    });
    error = result < 0 ? errno : 0;
    if (error != 0 || bytes.empty() || request->result < 0) return;
    int32_t fd = -1;
    std::memcpy(&fd, bytes.data() + request->result, sizeof fd);
    opened = OwnedFd(fd);
  }

  /// Lets files go before anybody hears that it was made: who closes them then closes them at once.
  void letGo() {
    file.reset();
    files.clear();
  }

  /// What JavaScript gets. `original` has the struct as it was given, and receives what the kernel made of it.
  Napi::Value finish(Napi::Env env, uint8_t* original) {
    if (error != 0) throwErrno(env, error, "ioctl");
    if (!bytes.empty()) {
      // Neither addresses nor numbers of descriptors go to JavaScript: what it had there stays.
      const auto keep = [&](uint64_t at, size_t size) { std::memcpy(bytes.data() + at, original + at, size); };
      for (const auto& pointer : request->pointers) keep(pointer.at, 8);
      for (const auto at : request->descriptors) keep(at, 4);
      if (request->result >= 0) keep(static_cast<uint64_t>(request->result), 4);
      std::memcpy(original, bytes.data(), bytes.size());
    }
    if (opened) {
      return Descriptor::make(env, std::make_shared<OpenFile>(OpenFile{std::move(opened), requests}));
    }
    return Napi::Number::New(env, static_cast<double>(result));
  }
};

static IoctlCall prepare(const Arguments& arguments, const std::shared_ptr<OpenFile>& file) {
  IoctlCall call;
  call.file = file;
  call.requests = file->requests;
  call.number = static_cast<uint32_t>(arguments.integer(0, "request", UINT32_MAX));
  const auto found = file->requests->find(call.number);
  if (found == file->requests->end()) arguments.outside("request", "one of those that `open` was given");
  const Request& request = found->second;
  call.request = &request;

  const size_t size = _IOC_SIZE(call.number);
  if (size == 0) {
    call.argument = arguments.integer(1, "argument", NO_ADDRESS, 0, 0);
    return call;
  }

  // First whatever may run JavaScript (getters), then what it could take away.
  const auto pointers = list(arguments, arguments.at(2), "pointers");
  const auto descriptors = list(arguments, arguments.at(3), "descriptors");
  if (pointers.size() > request.pointers.size()) arguments.outside("pointers", "at most as many as declared");
  if (descriptors.size() != request.descriptors.size()) arguments.outside("descriptors", "as many as declared");
  std::vector<std::pair<Napi::Value, uint64_t>> sources;
  for (const auto& pointer : pointers) {
    sources.emplace_back(arguments.env().Undefined(), 0);
    if (pointer.IsUndefined()) continue;
    const Napi::Object pair = object(arguments, pointer, "pointers");
    sources.back().first = pair.Get(0u);
    if (!readInteger(pair.Get(1u), 0, MAX_SAFE, sources.back().second)) arguments.wrong("pointers", "[source, offset]");
  }

  call.given = arguments.bytes(1, "argument", size);
  call.bytes.assign(call.given.data, call.given.data + size);
  for (size_t i = 0; i < request.pointers.size(); i++) {
    const PointerField& pointer = request.pointers[i];
    uint64_t address = 0;
    if (i < sources.size() && !sources[i].first.IsUndefined()) {
      call.spans.push_back(
          spanFrom(arguments, sources[i].first, "pointers", sources[i].second, extent(arguments, pointer, call.bytes)));
      address = call.spans.back().start();
    }
    std::memcpy(call.bytes.data() + pointer.at, &address, sizeof address);
  }
  for (size_t i = 0; i < request.descriptors.size(); i++) {
    call.files.push_back(Descriptor::from(descriptors[i], arguments.call(),
                                          [&]() { arguments.wrong("descriptors", Descriptor::NAME); }));
    const int32_t fd = call.files.back()->fd.get();
    std::memcpy(call.bytes.data() + request.descriptors[i], &fd, sizeof fd);
  }
  return call;
}

Napi::Value callIoctl(const Arguments& arguments, const std::shared_ptr<OpenFile>& file) {
  IoctlCall call = prepare(arguments, file);
  call.run();
  return call.finish(arguments.env(), call.given.data);
}

Napi::Value startIoctl(const Arguments& arguments, const std::shared_ptr<OpenFile>& file) {
  const Napi::Env env = arguments.env();
  auto call = std::make_shared<IoctlCall>(prepare(arguments, file));
  // An array's memory may be detached or collected before the driver is done with it.
  for (const auto& span : call->spans)
    if (!span.hold) arguments.wrong("pointers", "Mappings: only those stay where they are");
  const auto original = std::make_shared<std::vector<uint8_t>>(call->given.data, call->given.data + call->bytes.size());
  auto [promise, pending] = Instance::of(env).promises->start(env);
  startWait(env, pending, [call, original, pending = pending](Wait&) {
    call->run();
    call->letGo();
    pending->resolve([call, original](Napi::Env env) -> Napi::Value {
      const Napi::Value result = call->finish(env, original->data());
      auto bytes = Napi::Uint8Array::New(env, original->size());
      std::memcpy(bytes.Data(), original->data(), original->size());
      auto pair = Napi::Array::New(env, 2);
      pair.Set(0u, result);
      pair.Set(1u, bytes);
      return pair;
    });
  });
  return promise;
}

}  // namespace mirrorspace
