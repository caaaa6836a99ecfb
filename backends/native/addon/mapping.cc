#include "mapping.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>

#include "arguments.h"
#include "buffers.h"
#include "descriptor.h"
#include "disk-file.h"
#include "memfd.h"

namespace mirrorspace {

void Mapping::init(Napi::Env env, Napi::Object exports) {
  define(env, exports, "Mapping",
         {
             StaticMethod<&Mapping::reserve>("reserve"),
             StaticMethod<&Mapping::map>("map"),
             InstanceMethod<&Mapping::place>("place"),
             InstanceMethod<&Mapping::clear>("clear"),
             InstanceMethod<&Mapping::move>("move"),
             InstanceMethod<&Mapping::advise>("advise"),
             InstanceMethod<&Mapping::arrayBuffer>("arrayBuffer"),
             InstanceMethod<&Mapping::sharedArrayBuffer>("sharedArrayBuffer"),
             InstanceMethod<&Mapping::unmap>("unmap"),
         },
         {getter<&Mapping::length>("length"), getter<&Mapping::address>("address")});
}

Span spanFrom(const Arguments& arguments, const Napi::Value& source, const char* name, uint64_t offset,
              uint64_t length) {
  Bytes bytes;
  if (readBytes(source, bytes)) {
    if (offset > bytes.length || length > bytes.length - offset) {
      arguments.outside(name, "of at least " + std::to_string(offset) + " + " + std::to_string(length) + " bytes");
    }
    // The argument keeps the array's memory alive while the call lasts.
    return Span{nullptr, bytes.data + offset, length};
  }
  const auto memory = Mapping::from(source, arguments.call(),
                                    [&]() { arguments.wrong(name, "a Mapping, a typed array or a DataView"); });
  return memory->span(arguments.env(), arguments.call(), offset, length);
}

Span spanOf(const Arguments& arguments, size_t source, const char* name, size_t offset, uint64_t length) {
  return spanFrom(arguments, arguments.at(source), name, arguments.integer(offset, "offset", MAX_SAFE, 0, 0), length);
}

Napi::Value Mapping::reserve(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "Mapping.reserve");
  return make(info.Env(), Memory::reserve(info.Env(), arguments.pages(0, "length", pageSize())));
}

/// Maps [from, from + length) of argument `index`, a Memfd or a DiskFile that has it, at `offset` of a memory.
static void mapPart(const Arguments& arguments, size_t index, Memory& memory, uint64_t offset, uint64_t from, uint64_t length) {
  const Napi::Env env = arguments.env();
  const Napi::Value value = arguments.at(index);
  if (value.IsObject() && value.As<Napi::Object>().CheckTypeTag(&DiskFile::TAG)) {
    const auto file = arguments.handle<DiskFile>(index, "file");
    const uint64_t pages = (file->length(env) + pageSize() - 1) / pageSize() * pageSize();
    if (from > pages || length > pages - from) {
      arguments.outside("the range", "within the file's " + std::to_string(pages) + " bytes, in whole pages");
    }
    memory.mapDisk(env, "mmap", offset, length, file->fd.get(), from, file->writable);
    return;
  }
  const auto file = arguments.handle<Memfd>(index, "file");
  if (from > file->length || length > file->length - from) {
    arguments.outside("the range", "within the file's " + std::to_string(file->length) + " bytes");
  }
  memory.mapFile(env, "mmap", offset, length, file->fd.get(), from);
}

/// The file of a driver: one that requests were declared for, and no ordinary file, which could become shorter.
static int driverFile(const Arguments& arguments, const OpenFile& file) {
  struct stat status {};
  if (fstat(file.fd.get(), &status) != 0) throwErrno(arguments.env(), errno, "fstat");
  if (S_ISREG(status.st_mode) || file.requests->empty()) {
    throwErrno(arguments.env(), ENODEV, "mmap", "no driver's file; a DiskFile maps ordinary ones");
  }
  return file.fd.get();
}

Napi::Value Mapping::map(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "Mapping.map");
  const uint64_t offset = arguments.pages(1, "offset");
  const uint64_t length = arguments.pages(2, "length", pageSize());
  const Napi::Value source = arguments.at(0);
  if (source.IsObject() && source.As<Napi::Object>().CheckTypeTag(&Descriptor::TAG)) {
    const auto device = arguments.handle<Descriptor>(0, "file");
    return make(info.Env(), Memory::mapDevice(info.Env(), length, driverFile(arguments, *device), offset));
  }
  auto memory = Memory::reserve(info.Env(), length);
  mapPart(arguments, 0, *memory, 0, offset, length);
  return make(info.Env(), std::move(memory));
}

Napi::Value Mapping::length(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), core_ ? static_cast<double>(core_->length) : 0);
}

Napi::Value Mapping::address(const Napi::CallbackInfo& info) {
  const auto memory = core("address");
  return Napi::Number::New(info.Env(), static_cast<double>(memory->span(info.Env(), "address", 0, 0).start()));
}

Napi::Value Mapping::place(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "place");
  const auto memory = core("place");
  const uint64_t offset = arguments.pages(0, "offset");
  const uint64_t from = arguments.pages(2, "fileOffset");
  const uint64_t length = arguments.pages(3, "length", pageSize());
  mapPart(arguments, 1, *memory, offset, from, length);
  return info.Env().Undefined();
}

Napi::Value Mapping::clear(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "clear");
  const auto memory = core("clear");
  const uint64_t offset = arguments.pages(0, "offset");
  memory->mapZeros(info.Env(), "mmap", offset, arguments.pages(1, "length", pageSize()));
  return info.Env().Undefined();
}

Napi::Value Mapping::move(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "move");
  const auto memory = core("move");
  const uint64_t offset = arguments.pages(0, "offset");
  const uint64_t length = arguments.pages(1, "length", pageSize());
  const auto into = arguments.handle<Mapping>(2, "into");
  memory->move(info.Env(), "mremap", offset, length, *into, arguments.pages(3, "intoOffset"));
  return info.Env().Undefined();
}

// No others: some make an access a crash (poison, guard regions), some undo what mappings rely on (DOFORK).
static constexpr int ADVICE[] = {
    MADV_NORMAL, MADV_RANDOM,    MADV_SEQUENTIAL,  MADV_WILLNEED,      MADV_DONTNEED,       MADV_FREE,
    MADV_REMOVE, MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_HUGEPAGE,      MADV_NOHUGEPAGE,     MADV_DONTDUMP,
    MADV_DODUMP, MADV_COLD,      MADV_PAGEOUT,     MADV_POPULATE_READ, MADV_POPULATE_WRITE, 25 /* MADV_COLLAPSE */};

Napi::Value Mapping::advise(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "advise");
  const auto memory = core("advise");
  const uint64_t offset = arguments.pages(0, "offset");
  const uint64_t length = arguments.pages(1, "length");
  const int advice = static_cast<int>(arguments.integer(2, "advice", 1000));
  bool known = false;
  for (const int allowed : ADVICE) known = known || allowed == advice;
  if (!known) arguments.outside("advice", "one of `Advice`");
  const Span span = memory->span(info.Env(), "advise", offset, length);
  if (madvise(span.data, span.length, advice) != 0) throwErrno(info.Env(), errno, "madvise");
  return info.Env().Undefined();
}

/// Longest ArrayBuffer that every supported Node can have.
constexpr uint64_t BUFFER_LIMIT = uint64_t{1} << 32;

Napi::Value Mapping::arrayBuffer(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "arrayBuffer");
  const auto memory = core("arrayBuffer");
  const uint64_t offset = arguments.pages(0, "offset");
  const Span span =
      memory->span(info.Env(), "arrayBuffer", offset, arguments.integer(1, "length", BUFFER_LIMIT, 1));
  const bool counted = arguments.boolean(2, "counted", true);
  return counted ? makeArrayBuffer(info.Env(), memory, span) : makeUncountedArrayBuffer(info.Env(), memory, span);
}

Napi::Value Mapping::sharedArrayBuffer(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "sharedArrayBuffer");
  const auto memory = core("sharedArrayBuffer");
  const uint64_t offset = arguments.pages(0, "offset");
  return makeSharedArrayBuffer(
      info.Env(), memory,
      memory->span(info.Env(), "sharedArrayBuffer", offset, arguments.integer(1, "length", BUFFER_LIMIT, 1)));
}

Napi::Value Mapping::unmap(const Napi::CallbackInfo& info) {
  if (!core_) return info.Env().Undefined();
  detachArrayBuffers(info.Env(), *core_);
  core_->close();
  core_.reset();
  return info.Env().Undefined();
}

}  // namespace mirrorspace
